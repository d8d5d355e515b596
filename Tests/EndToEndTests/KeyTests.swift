import Glibc
import Harness
import MarketSandbox
import TestSupport
import Testing

/// Keys that the Market refuses, and their correction under a running daemon.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct KeyTests {
    private static let rightKey = "ACMA:\(String(repeating: "R", count: 40)):0123abcd"
    private static let wrongKey = "ACMA:\(String(repeating: "W", count: 40)):0123abcd"

    private static var market: SandboxOptions {
        var options = SandboxOptions()
        options.keys = [SandboxKey(token: rightKey)]
        return options
    }

    @Test func aRefusedKeyHoldsTheBusinessUntilItsFileIsCorrectedAndReloaded() async throws {
        let database = try await TestDatabase.make()
        let directory = try ScratchDirectory()
        let file = try directory.write(Self.wrongKey + "\n", to: "key")
        try await withSandbox(Self.market) { sandbox in
            let settings = DaemonSettings.run(database, sandbox)
                .with(["MARKET_API_KEY": nil, "MARKET_API_KEY_FILE": file])
            try await withDaemon(settings) { daemon in
                try await database.insert(1...20)
                let hold = try await daemon.log.line("Business held: check MARKET_API_KEY")
                #expect(hold.level == "error")
                #expect(hold.fields["hold.reason"]?.contains("401") == true)
                #expect(try await daemon.get("/status.json").body.contains("authorization: 401"))
                // A reload that brings nothing new changes nothing: the key is tried, and refused again.
                daemon.send(SIGHUP)
                try await daemon.log.line("Business held: check MARKET_API_KEY", count: 2)
                let untouched = "SELECT count(*) FROM market_chat.outbox WHERE state = 'pending' AND attempts = 0"
                #expect(try await database.number(untouched) == 20)
                // At most what was in flight, and one probe for the reload.
                #expect(sandbox.state().requests <= 3)

                try directory.write(Self.rightKey + "\n", to: "key")
                daemon.send(SIGHUP)
                // The daemon itself would try again after 5 minutes.
                try await database.untilSettled()
                try await daemon.log.line("Business no longer held")
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 20)
        }
    }

    @Test func aReloadThatFindsNoKeyKeepsTheOneInUse() async throws {
        let database = try await TestDatabase.make()
        let directory = try ScratchDirectory()
        let file = try directory.write(Self.rightKey, to: "key")
        try await withSandbox(Self.market) { sandbox in
            let settings = DaemonSettings.run(database, sandbox)
                .with(["MARKET_API_KEY": nil, "MARKET_API_KEY_FILE": file])
            try await withDaemon(settings) { daemon in
                try await daemon.log.line("Business owned")
                try directory.write("\n", to: "key")
                daemon.send(SIGHUP)
                let line = try await daemon.log.line("The keys were not reloaded")
                #expect(line.level == "error")
                try await database.insert(1...3)
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    @Test func aKeyOfOneBusinessThatIsRefusedDoesNotHoldAnother() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(Self.market) { sandbox in
            let settings = DaemonSettings.run(
                database, sandbox, businesses: [11, 12],
                ["MARKET_API_KEY": Self.rightKey, "MARKET_API_KEY_12": Self.wrongKey])
            try await withDaemon(settings) { daemon in
                try await database.insert(1...5, business: 12)
                try await daemon.log.line("Business held: check MARKET_API_KEY")
                try await database.insert(1...5, business: 11)
                try await waitUntil("business 11 is served", every: .milliseconds(20)) {
                    try await database.count("created") == 5
                }
                #expect(try await database.number("SELECT sum(attempts) FROM market_chat.outbox") == 0)
            }
        }
    }
}
