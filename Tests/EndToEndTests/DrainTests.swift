import Glibc
import Harness
import MarketSandbox
import TestSupport
import Testing

/// How the daemon stops.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct DrainTests {
    private func untilInFlight(_ count: Int, _ sandbox: MarketSandboxServer) async throws {
        try await waitUntil("\(count) requests are in flight", every: .milliseconds(1)) {
            sandbox.state(withContexts: false).businesses.first?.inFlight == count
        }
    }

    @Test func sigtermFinishesWhatIsInFlightAndTakesNoMore() async throws {
        var options = SandboxOptions()
        options.latency = .milliseconds(800)
        let database = try await TestDatabase.make()
        try await withSandbox(options) { sandbox in
            try await database.insert(1...10)
            try await withDaemon(.run(database, sandbox)) { daemon in
                // The first request goes alone, and tells the quota.
                try await untilInFlight(2, sandbox)
                daemon.send(SIGTERM)
                try await daemon.log.line("Draining")
                // While it drains it says so, and it is alive.
                #expect(try await daemon.get("/readyz").body.contains("draining"))
                #expect(try await daemon.get("/healthz").status == 200)
                #expect(try await daemon.ending() == .exited(0))
                #expect(try daemon.log.says("Drained"))
            }
            #expect(sandbox.state().requests == 3)
            #expect(try await database.count("created") == 3)
            let untouched = "SELECT count(*) FROM market_chat.outbox WHERE state = 'pending' AND attempts = 0"
            #expect(try await database.number(untouched) == 7)
        }
    }

    /// Runs `body` beside a daemon with two rows, one of which is in flight to a Market that never answers.
    private func whileTheMarketHangs(
        drainTimeout: String, _ body: (DaemonProcess) async throws -> Void
    ) async throws -> TestDatabase {
        var options = SandboxOptions()
        options.outage = .hang
        options.serverTimeout = .seconds(600)
        let database = try await TestDatabase.make()
        try await withSandbox(options) { sandbox in
            try await database.insert(1...2)
            let settings = DaemonSettings.run(
                database, sandbox, ["CHATD_DRAIN_TIMEOUT": drainTimeout, "MARKET_REQUEST_TIMEOUT": "5m"])
            try await withDaemon(settings) { daemon in
                try await untilInFlight(1, sandbox)
                try await body(daemon)
            }
        }
        return database
    }

    @Test func aMarketThatHangsDoesNotKeepADrainBeyondItsTimeout() async throws {
        let database = try await whileTheMarketHangs(drainTimeout: "1s") { (daemon) async throws in
            let start = ContinuousClock.now
            #expect(try await daemon.drain() == .exited(0))
            #expect(ContinuousClock.now - start >= .seconds(1))
        }
        let untouched = "SELECT count(*) FROM market_chat.outbox WHERE state = 'pending' AND attempts = 0"
        #expect(try await database.number(untouched) == 2)
    }

    @Test func aSecondSigtermDoesNotWait() async throws {
        let database = try await whileTheMarketHangs(drainTimeout: "10m") { daemon in
            daemon.send(SIGTERM)
            try await daemon.log.line("Draining")
            daemon.send(SIGTERM)
            #expect(try await daemon.ending() == .exited(1))
            #expect(try daemon.log.says("Ended before the calls in flight were settled"))
        }
        #expect(try await database.count("pending") == 2)
    }

    @Test func anIdleDaemonDrainsAtOnce() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            // It could wait for the next poll, or for the drain's timeout, for longer than this test has patience.
            let settings = DaemonSettings.run(
                database, sandbox, ["CHATD_DRAIN_TIMEOUT": "1h"])
            try await withDaemon(settings) { daemon in
                try await daemon.log.line("Business owned")
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }
}
