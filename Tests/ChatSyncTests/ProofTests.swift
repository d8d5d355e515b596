import MachineProofs
import TestSupport
import Testing

/// The short forms of the machine's proofs. README says how the long ones are run.
@Suite(.concurrencyLimited) struct ProofTests {
    /// Random worlds of simulated time, and in each the rules of `Progress.md`.
    @Test func inTenThousandSimulatedHoursNoRuleIsBroken() async {
        let report = await LongProof.run(hours: 10_000)
        #expect(report.violations.isEmpty, "\(report.text)")
        #expect(report.hours >= 10_000 && report.busyWindows > 100, "\(report.text)")
    }

    /// Every interleaving of a small world, as far as the states reach.
    @Test(arguments: ExhaustiveProof.worlds.map(\.name)) func inNoStateOfASmallWorldARuleIsBroken(world: String)
        async throws
    {
        let world = try #require(ExhaustiveProof.worlds.first { $0.name == world })
        let report = await ExhaustiveProof.run(world: world, maxStates: 25_000)
        #expect(report.violations.isEmpty, "\(report)")
        #expect(report.states >= 25_000, "\(report)")
    }

    /// Thirty and three hundred older rows that always get 500, before sixty that the Market would create.
    @Test(arguments: [30, 300]) func aCrowdOfBadRowsHoldsBackNoGoodOne(bad: Int) throws {
        #expect(try #require(LongProof.crowd(bad: bad, good: 60)) < 60 + 5 * Double(bad))
    }
}
