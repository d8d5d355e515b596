extension Mutant {
    static let tables: [Mutant] = [
        Mutant("sentRowStaysInOrder", table, "        leaveOrder(row.id, old?.place)\n", ""),
        Mutant("unwrittenAreNotCounted", table, "case .unwritten: unwritten += step", "case .unwritten: break"),
        Mutant("suspectsAreNotCounted", table, "            suspects += step\n", ""),
        Mutant("readForgetsNotWhatWasDue", table, "        for id in again { entries[id] = nil }\n", ""),
        Mutant(
            "suspectsAreReleasedLate", table, ".map(\\.suspicion.notBefore).min()",
            ".map(\\.suspicion.notBefore).max()"),
        Mutant(
            "readsDoNotReachBeyondSuspects", table, "{ inFlight + writing + unwritten + suspects }",
            "{ inFlight + writing + unwritten }"),
        Mutant(
            "badRowsHardlyWait", "Machine/Suspicion.swift", "waits = Backoff(base: .seconds(60), max: .seconds(3600))",
            "waits = Backoff(base: .seconds(1), max: .seconds(3))"),
        Mutant("suspectsHaveNoLimit", table, "static let suspectLimit = 1000", "static let suspectLimit = 1_000_000"),
        Mutant(
            "sleeperIsDeaf", "Machine/Ownership.swift", "case .notOurs, .ours(.awake): false",
            "case .notOurs, .ours(.awake): true"),
    ]

    static let views: [Mutant] = [
        Mutant("newsDuringReadAreLost", view, "if question != nil { isReadNeededAgain = true }", ""),
        Mutant("noSweep", view, "sweepInterval = Duration.seconds(5)", "sweepInterval = Duration.seconds(500_000)"),
        Mutant("settledRowIsReadAgain", view, "if question != nil { settledMeanwhile.insert(id) }", ""),
        Mutant(
            "dueMeanwhileIsForgotten", view, "[found.nextDueIn.map { now + $0 }, dueMeanwhile]",
            "[found.nextDueIn.map { now + $0 }]"),
        Mutant(
            "laterRowHidesEarlierOne", view, "nextDue = min(nextDue ?? moment, moment)",
            "nextDue = nextDue ?? moment"),
        Mutant("neededReadIsForgotten", view, "isReadNeeded = isReadNeededAgain", "isReadNeeded = false"),
        Mutant(
            "partialReadIsComplete", view, "isComplete = read.watermark == nil && watermark == nil",
            "isComplete = watermark == nil"),
        Mutant("fullReadIsComplete", view, "found.fresh.count >= read.limit", "found.fresh.count > read.limit"),
        Mutant("samplesNeverAge", view, "now - $0.takenAt < Self.sampleAge ? $0 : nil", "$0"),
        Mutant("newsLeaveSamples", view, "        samples = [:]\n        mayHaveUntested", "        mayHaveUntested"),
        Mutant(
            "failedReadIsForgotten", view, "        isReadNeeded = true\n        watermark = nil\n        retryAt",
            "        isReadNeeded = false\n        watermark = nil\n        retryAt"),
        Mutant(
            "lostQuestionIsWaitedFor", view, "        question = nil\n        nextDue = nil",
            "        nextDue = nil"),
        Mutant(
            "sampleKeepsWhatWasSent", view,
            "for contextType in samples.keys { samples[contextType]?.rows.removeAll { $0.id == id } }",
            ""),
    ]

    static let writes: [Mutant] = [
        Mutant("backoffIsNotLookedFor", write, "            view.willBeDue(now + delay)\n", ""),
        Mutant("deferredIsNotReadAgain", write, "else { view.mustRead() }", ""),
        Mutant(
            "foreignRowIsNotReadAgain", write, "            leave(rowID)\n            view.mustRead()\n",
            "            leave(rowID)\n"),
        Mutant(
            "refusedBackoffIsKeptForEver", write, "if case .backoff(let delay) = result.change, refusals > 1 {",
            "if case .backoff(let delay) = result.change, refusals > 1_000_000 {"),
        Mutant("refusedChatIsDropped", write, "if isDraining, refusals > 1 {", "if !isDraining, refusals > 1 {"),
        Mutant(
            "unwrittenIsNotLookedForAgain", write,
            "        lookAgain(at: refused.map(\\.nextTry).filter { $0 > now }.min(), now: now)\n",
            ""),
        Mutant(
            "rewritingBecomesRare", write, "Backoff(base: .milliseconds(500), max: .seconds(4))",
            "Backoff(base: .milliseconds(500), max: .seconds(400))"),
        Mutant(
            "rowThatCannotBePutOffDoesNotWait", write, "notBefore: now + max(delay, wait), isProven",
            "notBefore: now, isProven"),
        Mutant(
            "drainDoesNotTryOnceMore", write, "refused.filter { isDraining || isAnyReady",
            "refused.filter { isAnyReady"),
    ]

    private static let table = "Machine/RowTable.swift"
    private static let view = "Machine/DueView.swift"
    private static let write = "Machine/BusinessMachine+Writes.swift"
}
