extension Mutant {
    static let quota: [Mutant] = [
        Mutant(
            "quotaForgetsReserve", pacer, "- inFlight > reserve { return .send }",
            "- inFlight > 0 { return .send }"),
        Mutant(
            "quotaOffByOne", pacer, "- inFlight > reserve { return .send }",
            "- inFlight >= reserve { return .send }"),
        Mutant(
            "quotaForgetsThoseInFlight", pacer, "if window.remaining - lost - inFlight > reserve { return .send }",
            "if window.remaining - lost > reserve { return .send }"),
        Mutant("quotaForgetsLostAnswers", pacer, "if window != nil { lost += requests }", "lost += 0"),
        Mutant("newWindowIsAskedByMany", pacer, "return inFlightHere == 0 ? .send : .waitForAnswer", "return .send"),
        Mutant(
            "windowHasNoEnd", pacer, "if let window, now >= window.endsAt {",
            "if let window, now > window.endsAt + .seconds(60) {"),
        Mutant(
            "headersMayHoldForADay", pacer, "headers.resetsIn.map { min(max($0, Self.leastWait), Self.longestWindow) }",
            "headers.resetsIn.map { max($0, Self.leastWait) }"),
        Mutant(
            "refusalMayHoldForADay", pacer, "wait = min(max(told, Self.leastWait), Self.longestWindow)",
            "wait = max(told, Self.leastWait)"),
        Mutant("blindRefusalsGoOnCounting", pacer, "        blindRefusals = 0\n        learn", "        learn"),
        Mutant("blindWaitDoesNotGrow", pacer, "blindRefusals += 1", "blindRefusals += 0"),
        Mutant("lateAnswerIsBelieved", pacer, "if until < name { return }", "if until < name { return take(told) }"),
        Mutant("newWindowIsNotNoticed", pacer, "if until > name { return take(told) }", "if until > name { return }"),
        Mutant(
            "overtakenAnswerIsBelieved", pacer, "merged.remaining = min(known.remaining, remaining)",
            "merged.remaining = remaining"),
        Mutant("answersAreTakenInWrongOrder", pacer, "if sentAt >= known.learnedAt {", "if sentAt < known.learnedAt {"),
        Mutant("hostWithoutHeadersIsNotCounted", pacer, "window?.remaining -= 1", "window?.remaining -= 0"),
        Mutant(
            "repeatsForgetQuota", pacer, "return now < window.endsAt && window.remaining - lost - inFlight > reserve",
            "return true"),
        Mutant(
            "endedHoldKeepsItsWait", pacer,
            "        resumesAt = nil\n        if let known = window, known.until == nil",
            "        if let known = window, known.until == nil"),
        Mutant(
            "endedHoldForgetsOurCount", pacer, "if let known = window, known.until == nil {",
            "if let known = window, known.until == nil, known.remaining < 0 {"),
        Mutant(
            "endedHoldAllowsMany", pacer, "reserve + lost + inFlight + 1)", "reserve + lost + inFlight + 50)"),
        Mutant(
            "endedHoldAllowsNone", pacer, "reserve + lost + inFlight + 1)", "reserve + lost + inFlight)"),
        Mutant(
            "endedHoldKeepsLostAnswers", pacer,
            "windowNumber += 1\n            lost = 0\n        }\n    }\n\n    private",
            "windowNumber += 1\n        }\n    }\n\n    private"),
    ]

    static let circuit: [Mutant] = [
        Mutant("circuitNeverOpens", breaker, "guard failures >= threshold else", "guard failures >= 1_000_000 else"),
        Mutant("circuitNeverCloses", breaker, "            openness = nil\n", ""),
        Mutant("thresholdDoesNotGrow", breaker, "threshold = min(threshold * 2, Self.mostThreshold)", "threshold += 0"),
        Mutant("failuresAreNotForgotten", breaker, "        failures = 0\n        answeredAt", "        answeredAt"),
        Mutant(
            "oldFailuresAreNews", breaker, "guard isNews || !isProvenWell(now: now) else",
            "guard isNews || true else"),
        Mutant(
            "untestedRowsWaitLong", breaker, "return hasUntested ? min(interval, Self.untestedInterval) : interval",
            "return interval"),
        Mutant(
            "manyRowsAreProbedSlowly", breaker, "step(attempts: openness.failedProbes), share)",
            "step(attempts: openness.failedProbes), .seconds(60))"),
        Mutant(
            "probesHaveNoInterval", breaker, "openness?.lastProbe = now",
            "_ = now"),
        Mutant("failedProbesAreNotCounted", breaker, "openness?.failedProbes += 1", "openness?.failedProbes += 0"),
        Mutant(
            "backoffNeverGrows", "Decisions/Backoff.swift", "while growths > 0, step < max",
            "while growths < 0, step < max"),
        Mutant(
            "backoffMayBeNothing", "Decisions/Backoff.swift", "return step / 2 + step / 2 * random",
            "return step * random * random"),
        Mutant(
            "hostIsAwayOneFailureLater", "Decisions/HostCircuit.swift", "failures >= Self.threshold else",
            "failures > Self.threshold else"),
        Mutant(
            "hostComesBackUnnoticed", "Decisions/HostCircuit.swift",
            "            self = HostCircuit()\n            return .back",
            "            return nil"),
    ]

    private static let pacer = "Decisions/QuotaPacer.swift"
    private static let breaker = "Decisions/CircuitBreaker.swift"
}
