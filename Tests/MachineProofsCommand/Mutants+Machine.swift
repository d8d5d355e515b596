extension Mutant {
    static let choosing: [Mutant] = [
        Mutant(
            "probesTakeTheLastPlace", choose, "hasProbedLast && !closed.isEmpty && isLastPlace",
            "hasProbedLast && closed.isEmpty && isLastPlace"),
        Mutant(
            "doubtIsIgnored", choose,
            "if let next = conditions.nextDoubtProbe { return settleDoubt(after: next, now: now, random: random) }",
            ""),
        Mutant(
            "doubtForgetsToLookAgain", choose,
            "            lookAgain(at: last + BusinessConditions.doubtInterval, now: now)\n",
            ""),
        Mutant(
            "oldSampleConvictsKey", choose, "if sample.takenAt < next {",
            "if sample.takenAt < .init(sinceStart: .zero) {"),
        Mutant(
            "slowProbeHoldsUpOthers", choose,
            "if probes.contains(where: { now - $0.flight.sentAt < CircuitBreaker.untestedInterval }) || "
                + "probes.count > 1 {",
            "if !probes.isEmpty {"),
        Mutant("suspectsSettleDoubt", choose, "if isForDoubt { return nil }", ""),
        Mutant(
            "suspectsAreProbedEarly", choose, "let ready = suspects.filter { $0.suspicion.notBefore <= now }",
            "let ready = suspects.filter { $0.suspicion.notBefore <= now + .seconds(3600) }"),
        Mutant(
            "suspectsAreNotLookedForAgain", choose,
            "if ready.isEmpty { lookAgain(at: suspects.map(\\.suspicion.notBefore).min(), now: now) }",
            ""),
        Mutant("newestSuspectIsProbed", choose, "return ready.min { (", "return ready.max { ("),
        Mutant(
            "otherTypeIsNotRead", choose, "view.isReadNeeded || view.contextType != contextType",
            "view.isReadNeeded"),
        Mutant(
            "laterDueIsNotNoticed", choose, "view.nextDue.map { $0 <= now } == true",
            "view.nextDue.map { $0 <= now } == nil"),
        Mutant("laterDueIsNotWaitedFor", choose, "        lookAgain(at: view.nextDue, now: now)\n", ""),
        Mutant(
            "releaseIsNotWaitedFor", choose, "        lookAgain(at: rows.nextRelease(of: contextType), now: now)\n",
            ""),
        Mutant("repeatsGoFirst", choose, "return freshInARow < 9 ? fresh : again ?? fresh", "return again ?? fresh"),
        Mutant("repeatsHaveNoShare", choose, "return freshInARow < 9 ? fresh : again ?? fresh", "return fresh"),
        Mutant(
            "repeatsOvertakeUnreadOnes", choose, "return view.watermark == nil && view.isComplete ? again : nil",
            "return again"),
        Mutant(
            "suspicionIsForgottenWhenSent", choose,
            "if case .suspect(let known) = rows[row.id]?.place { suspicion = known }",
            ""),
        Mutant("awayHostIsAsked", choose, "guard mayReachHost() else { return false }", ""),
        Mutant(
            "sleeperIsNotWokenByHold", choose,
            "if ownership == .ours(.asleep), hasNews, !conditions.isPaused { wakeUp() }",
            ""),
        Mutant("holdIsNotWaitedFor", choose, "        lookAgain(at: until, now: now)\n", ""),
        Mutant(
            "pausedNeverLooks", choose, "guard hasNews, view.question == nil, view.retryAt",
            "guard !hasNews, view.question == nil, view.retryAt"),
        Mutant(
            "heldNeverLooks", choose, "if looks, readNews(now: now) { return true }",
            "if conditions.isPaused, readNews(now: now) { return true }"),
    ]

    static let answers: [Mutant] = [
        Mutant(
            "cancelledRowIsForgotten", answer, "            rows.remove(rowID)\n            view.mustRead()\n",
            "            rows.remove(rowID)\n"),
        Mutant("suspicionIsNotKept", answer, "suspicion: conclusion.suspicion))", "suspicion: nil))"),
        Mutant("othersAreNeverProven", answer, "            othersAreProven(now: now, random: random)\n", ""),
        Mutant("strikesAreNotForgotten", answer, "            suspicion.strikes = 1\n", ""),
        Mutant(
            "awayHostIsTheRowsFault", answer, "if answer.flight.purpose == .reachHost || host != .reachable {",
            "if host == .away, host == .reachable {"),
        Mutant("strikesAreNotCounted", answer, "strikes: earlier + 1,", "strikes: 1,"),
        Mutant(
            "blamedRowDoesNotWait", answer,
            "suspicion.notBefore = now + Suspicion.waits.delay(attempts: suspicion.strikes - 1, random: "
                + "random.next())",
            ""),
        Mutant("malformedSpendsNoQuota", answer, "if case .malformed = reply.answer {", "if case .ok = reply.answer {"),
        Mutant(
            "eachFailureIsNews", answer, "let isNews = answer.row.attempts == 0 && answer.flight.suspicion == nil",
            "let isNews = true"),
        Mutant(
            "probesBurnAttempts", answer, "guard wasOpen || answer.flight.purpose == .endHold else",
            "guard wasOpen, answer.flight.purpose == .endHold else"),
        Mutant("failedProbeMayGoAgainAtOnce", answer, "suspicion.notBefore = now + (retryAfter ?? .zero)", ""),
        Mutant(
            "oddAnswerDoesNotEndHold", answer,
            "        } else if let hold = conditions.hold, answer.flight.sentAt >= hold.since {\n            "
                + "conditions.hold = nil\n",
            ""),
        Mutant(
            "secondForbiddenIsNews", answer,
            "if answer.isNothingNew(.forbidden) { return blame(answer, .forbidden, now: now, random: random) }",
            ""),
        Mutant(
            "secondHoldIsNews", answer,
            "if answer.isNothingNew(.hold) { return blame(answer, .hold, now: now, random: random) }",
            ""),
        Mutant(
            "forbiddenCausesNoDoubt", answer, "conditions.nextDoubtProbe = now + BusinessConditions.doubtInterval",
            "conditions.nextDoubtProbe = nil"),
        Mutant(
            "oldKeyIsBlamedOnNew", answer, "guard answer.flight.keyNumber == keyNumber else",
            "guard true || answer.flight.keyNumber == keyNumber else"),
        Mutant(
            "oldQuotaRefusalIsNews", answer, "if isOldNews, quota?.resetsIn == nil, retryAfter == nil { return }",
            ""),
        Mutant(
            "openCircuitTakesAllForTested", answer,
            "if conditions.circuits[kind].isOpen { view.mayHaveUntested[kind] = true }",
            ""),
        Mutant(
            "failuresDoNotInterruptOddOnes", answer, "if isNews || answer.wasProbe { conditions.odd.end() }", ""),
        Mutant(
            "failuresDoNotInterruptOverload", answer, "if isNews, retryAfter == nil { conditions.overloaded.end() }", ""
        ),
        Mutant(
            "oddAnswersDoNotInterruptOverload", answer,
            "        conditions.overloaded.end()\n        let isHeld", "        let isHeld"),
        Mutant(
            "lostTriesAreNotCounted", answer,
            "if reply.quota?.remaining == nil { conditions.pacer.lostAnswers(reply.lostTries) }",
            ""),
    ]

    static let events: [Mutant] = [
        Mutant(
            "lostSessionKeepsDueRows", core, "        rows.forgetDue()\n        view.forget()\n        hasAskedForHost",
            "        view.forget()\n        hasAskedForHost"),
        Mutant("unpausedDoesNotLook", core, "if conditions.isPaused, !poll.isPaused { news() }", ""),
        Mutant("lostSessionIsNotNoticed", core, "        ownership = .notOurs\n", ""),
        Mutant(
            "endOfCoverMeansNothing", core, "        ownership = .ours(.awake)\n        news()\n",
            "        news()\n"),
        Mutant("endOfCoverDuringSleepIsLost", core, "if case .sleep = view.question { hasCoverEnded = true }", ""),
        Mutant("keysAreNotCounted", core, "keyNumber += 1", "keyNumber += 0"),
        Mutant(
            "newKeyLeavesSuspects", core, "where suspicion.reason != .circuit { rows.remove(row.id) }",
            "where suspicion.reason == .circuit { rows.remove(row.id) }"),
        Mutant(
            "pollSaysNothingOfRows", core, "if poll.due > rows.known + rows.fresh.count + rows.again.count { news() }",
            ""),
        Mutant("readSaysNothingOfPause", core, "        setPaused(found.isPaused)\n", ""),
        Mutant(
            "readTakesRowsInHand", core, "{ rows[row.id] == nil && !view.wasSettledMeanwhile(row.id) }",
            "{ !view.wasSettledMeanwhile(row.id) }"),
        Mutant(
            "laterLookHidesEarlierOne", core, "nextLook = min(nextLook ?? moment, moment)",
            "nextLook = max(nextLook ?? moment, moment)"),
        Mutant(
            "drainForgetsUnwritten", core, "if rows.inFlight == 0, rows.writing == 0, rows.unwritten == 0 { end",
            "if rows.inFlight == 0, rows.writing == 0 { end"),
        Mutant(
            "repeatsForgetTheHost", snapshot, "ownership.isOurs && !isDraining && host == .reachable",
            "ownership.isOurs"),
        Mutant(
            "repeatsForgetTheHold", "Decisions/BusinessConditions.swift",
            "guard !isPaused, hold == nil, nextDoubtProbe == nil,",
            "guard !isPaused, nextDoubtProbe == nil,"),
        Mutant("holdIsNotRecorded", snapshot, "if let hold = conditions.hold { return hold }", ""),
        Mutant(
            "endOfHoldIsNotTold", snapshot, "guard obstacle != told else",
            "guard obstacle != told, obstacle != nil else"),
        Mutant("heldWithoutResultIsNotTold", snapshot, "if !isTakenAlong { commands.append(.remember) }", ""),
        Mutant(
            "recordForgetsThoseInFlight", snapshot, "max($0.remaining - conditions.pacer.lost - rows.inFlight, 0)",
            "max($0.remaining, 0)"),
        Mutant("endedHoldGoesOn", waits, "if let hold { self.hold?.until = min(hold.until, now) }", ""),
        Mutant(
            "endedHoldLeavesCircuits", waits, "{ circuits[kind].recheck() }\n        parallel",
            "{ _ = kind }\n        parallel"),
        Mutant(
            "endedHoldLeavesParallelPause", waits, "        parallel.endPause()\n        pacer", "        pacer"),
        Mutant(
            "endedHoldLeavesDoubt", waits,
            "        forbidden.end()\n        nextDoubtProbe = nil\n    }\n\n    private static func reason",
            "    }\n\n    private static func reason"),
        Mutant(
            "endedHoldLeavesSuspects", core, "where suspicion.reason != .unwritten { rows.remove(row.id) }",
            "where suspicion.reason == .unwritten { rows.remove(row.id) }"),
        Mutant(
            "endedHoldForgetsUnwritten", core, "where suspicion.reason != .unwritten { rows.remove(row.id) }",
            "{ rows.remove(row.id) }"),
        Mutant(
            "endedHoldOfOthersIsEnded", core, "guard ownership.isOurs else { return }\n        conditions.endWaits",
            "conditions.endWaits"),
        Mutant(
            "spentQuotaIsLoggedAtEachAnswer", snapshot, "quotaLoggedFor != conditions.pacer.windowNumber",
            "quotaLoggedFor != -2"),
        Mutant(
            "spentQuotaIsLoggedOnce", snapshot, "quotaLoggedFor = conditions.pacer.windowNumber",
            "quotaLoggedFor = .max"),
        Mutant(
            "spentQuotaIsNotLogged", snapshot, "guard obstacle?.kind == .quota, conditions.hold == nil,",
            "guard obstacle == nil, conditions.hold == nil,"),
        Mutant(
            "refusalIsLoggedAtOnce", "Machine/BusinessMachine+Writes.swift",
            "refusals == Self.refusalsLogged || refusals > Self.refusalsLogged && error",
            "refusals == 1 || refusals > Self.refusalsLogged && error"),
        Mutant(
            "newReasonIsNotLogged", "Machine/BusinessMachine+Writes.swift",
            "|| refusals > Self.refusalsLogged && error != result.refusal", ""),
        Mutant(
            "refusalIsLoggedForEver", "Machine/BusinessMachine+Writes.swift",
            "refusals > Self.refusalsLogged && error != result.refusal", "refusals > Self.refusalsLogged"),
        Mutant(
            "lostBackoffIsNotLogged", "Machine/BusinessMachine+Writes.swift", "{ refusals == 2 } else { false }",
            "{ refusals == 200 } else { false }"),
    ]

    private static let waits = "Decisions/BusinessConditions.swift"
    private static let core = "Machine/BusinessMachine.swift"
    private static let choose = "Machine/BusinessMachine+Choosing.swift"
    private static let answer = "Machine/BusinessMachine+Answers.swift"
    private static let snapshot = "Machine/BusinessMachine+Snapshot.swift"
}
