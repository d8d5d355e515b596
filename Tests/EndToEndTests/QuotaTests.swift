import MarketSandbox
import TestSupport
import Testing

/// The quota of a window, on real clocks.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct QuotaTests {
    @Test(arguments: [0, 15])
    func aSmallQuotaIsUsedFullyButForTheReserveAndNeverExceeded(reserve: Int) async throws {
        var options = SandboxOptions()
        options.quota = 40
        // Long enough for its requests where other tests keep the machine busy.
        options.window = .seconds(5)
        let database = try await TestDatabase.make()
        try await withSandbox(options) { sandbox in
            let settings = DaemonSettings.run(database, sandbox, ["MARKET_QUOTA_RESERVE": "\(reserve)"])
            let usable = options.quota - reserve
            try await database.insert(1...(4 * usable))
            try await withDaemon(settings) { _ in try await database.untilSettled() }
            let business = try #require(sandbox.state().businesses.first)
            #expect(business.quotaRefusals == 0)
            #expect(business.requests == 4 * usable)
            #expect(business.windows.count >= 4)
            for window in business.windows { #expect(window.used <= usable, "\(window)") }
            // The first and the last one may be short.
            for window in business.windows.dropFirst().dropLast() { #expect(window.used == usable, "\(window)") }
            try await Invariants.expectAll(in: database, sandbox, rows: 4 * usable)
        }
    }
}
