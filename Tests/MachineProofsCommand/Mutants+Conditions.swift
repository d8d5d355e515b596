extension Mutant {
    static let conditions: [Mutant] = [
        Mutant("limitIsLoweredForEachRefusal", parallel, "if let loweredAt, sentAt <= loweredAt { return }", ""),
        Mutant(
            "limitFallsToZero", parallel, "current = Swift.max(1, current - 1)",
            "current = Swift.max(0, current - 1)"),
        Mutant("limitNeverRises", parallel, "            current += 1\n", ""),
        Mutant("refusalsInARowAreNotForgotten", parallel, "        refusals = 0\n        guard", "        guard"),
        Mutant(
            "noPauseAfterParallelRefusal", business,
            "if let pause = parallel.pausedUntil, now < pause { return .wait(until: pause) }",
            ""),
        Mutant(
            "onePlaceTooMany", business, "return inFlight < parallel.current ? .send",
            "return inFlight <= parallel.current ? .send"),
        Mutant("pauseIsIgnored", business, "if isPaused { return .paused }", ""),
        Mutant("holdIsIgnored", business, "if let hold, now < hold.until { return .wait(until: hold.until) }", ""),
        Mutant("holdIsProbedByMany", business, "return inFlight == 0 ? .probe : .waitForAnswer", "return .probe"),
        Mutant(
            "forbiddenInARowAreNotForgotten", business,
            "        forbidden.end()\n        nextDoubtProbe = nil\n        odd",
            "        nextDoubtProbe = nil\n        odd"),
        Mutant("doubtDoesNotEnd", business, "        nextDoubtProbe = nil\n        odd.end()", "        odd.end()"),
        Mutant(
            "oddInARowAreNotForgotten", business, "        odd.end()\n        overloaded.end()",
            "        overloaded.end()"),
        Mutant(
            "overloadedInARowAreNotForgotten", business, "        odd.end()\n        overloaded.end()",
            "        odd.end()"),
        Mutant("goodAnswerDoesNotEndHold", business, "if let hold, sentAt >= hold.since { self.hold = nil }", ""),
        Mutant(
            "shorterHoldWins", business, "if let hold, !wasProbe, hold.until >= until { return }",
            "if let hold, !wasProbe, hold.until < until { return }"),
        Mutant(
            "failedProbeOfHoldIsNotPostponed", business, "if let hold { self.hold?.until = max(hold.until, moment) }",
            ""),
        Mutant("differentOddAnswersCount", business, "if oddStatus != status { odd.end() }", ""),
        Mutant("oneRowIsCountedOften", business, "if !rows.contains(row) { rows.append(row) }", "rows.append(row)"),
        Mutant(
            "newKeyDoesNotEndHold", business,
            "if let hold, hold.kind.needsPerson { self.hold?.until = min(hold.until, now) }",
            ""),
        Mutant(
            "newOwnerInheritsNoQuota", business, "if let quota = record.quota { pacer.restore(quota, now: now) }",
            ""),
        Mutant("newOwnerDoesNotLookAtOnce", business, "kind.outlivesOwner ? now + rest : now", "now + rest"),
        Mutant("pauseIsNotInherited", business, "        isPaused = record.isPaused\n", ""),
        Mutant("migrationDoesNotOutliveOwner", hold, "{ self == .migration || self == .quota", "{ self == .quota"),
        Mutant(
            "heldForDays", hold, "static let recheck = Duration.seconds(300)",
            "static let recheck = Duration.seconds(300_000)"),
        Mutant(
            "retryAfterHasNoBound", hold, "longestRetryAfter = Duration.seconds(3600)",
            "longestRetryAfter = Duration.seconds(360_000)"),
    ]

    static let verdicts: [Mutant] = [
        Mutant(
            "each404IsAboutTheRow", verdict, "let isAboutRow = status == 404 && ",
            "let isAboutRow = status == 404 || "),
        Mutant(
            "no404IsAboutTheRow", verdict, "let isAboutRow = status == 404 && ",
            "let isAboutRow = status == 407 && "),
        Mutant(
            "notFoundHasNoPatience", verdict, "(row.notFoundFor ?? .zero) >= patience.notFound",
            "(row.notFoundFor ?? .zero) >= .zero"),
        Mutant(
            "invalidIsTriedForEver", verdict, "case 400: return (.rejected, .answered)",
            "case 400: return (.deferred, .answered)"),
        Mutant(
            "forbiddenIsRejected", verdict, "case 403: return (.deferred, .forbidden)",
            "case 403: return (.rejected, .answered)"),
        Mutant(
            "badKeyIsTheRowsFault", verdict, "case 401: return (.deferred, .held(.authorization, for: Hold.recheck))",
            "case 401: return (.rejected, .answered)"),
        Mutant(
            "parallelRefusalIsTakenForQuota", verdict, "if message.contains(\"parallel\") { return true }",
            "if message.contains(\"parallel\") { return false }"),
        Mutant(
            "quotaIsTakenForParallelRefusal", verdict, "if message.contains(\"requests per\") { return false }",
            "if message.contains(\"requests per\") { return true }"),
        Mutant(
            "migrationIsNoHold", verdict, "case 423: return (.deferred, .held(.migration, for: Hold.migration))",
            "case 423: return (.deferred, .answered)"),
        Mutant("serverErrorIsOdd", verdict, "case 300..<400, 408, 499, 500...:", "case 300..<400, 408, 499, 600...:"),
        Mutant("retryAfterIsIgnored", verdict, "asked > .zero, case", "asked < .zero, case"),
        Mutant(
            "malformedIsAnAnswer", verdict,
            "change: backoff, evidence: .failed(retryAfter: nil),\n                exchange",
            "change: backoff, evidence: .answered,\n                exchange"),
        Mutant(
            "timeOutSaysNothing", verdict,
            "case .timedOut: failed(\"TIMEOUT\", \"no answer within MARKET_REQUEST_TIMEOUT\")",
            "case .timedOut: failed(\"TIMEOUT\", \"\", .answered)"),
    ]

    private static let parallel = "Decisions/ParallelLimit.swift"
    private static let business = "Decisions/BusinessConditions.swift"
    private static let hold = "Decisions/Hold.swift"
    private static let verdict = "Decisions/Verdict.swift"
}
