import Glibc
import Harness
import MarketSandbox
import TestSupport
import Testing

/// Daemons that are killed under load: nothing is lost, and nothing is written twice.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct CrashTests {
    private static let businesses: [Int64] = [11, 12]

    private static var market: SandboxOptions {
        var options = SandboxOptions()
        options.quota = 100_000
        options.latency = .milliseconds(10)
        options.faults = .all(share: 0.01, slowMilliseconds: 100)
        return options
    }

    private static func settings(
        _ database: TestDatabase, _ sandbox: MarketSandboxServer, name: String
    ) -> DaemonSettings {
        DaemonSettings.run(
            database, sandbox, businesses: businesses,
            ["DATABASE_URL": "\(database.connectionString) application_name=\(name)"])
    }

    @Test func anotherOneTakesOverWheneverTheOwnerIsKilled() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(Self.market) { sandbox in
            let daemons = ["first", "second"].map { RestartingDaemon(Self.settings(database, sandbox, name: $0)) }
            let rounds = 5
            let endings = try await whileRestarting(daemons) {
                for round in 0..<rounds {
                    let ids = (round * 60 + 1)...(round * 60 + 60)
                    for business in Self.businesses { try await database.insert(ids, business: business) }
                    try await killOwnerInMidLoad(database, daemons)
                }
                try await database.untilSettled()
            }
            try await Invariants.expectAll(in: database, sandbox, rows: rounds * 120)
            #expect(endings.joined().count { $0 == .killed(by: SIGKILL) } == rounds)
            // The last one of each is the one that drained.
            #expect(endings.allSatisfy { $0.last == .exited(0) && $0.dropLast().allSatisfy { $0 != .exited(0) } })
        }
    }

    /// Waits until both run and some rows of this round are settled, and kills the owner while others are not.
    private func killOwnerInMidLoad(_ database: TestDatabase, _ daemons: [RestartingDaemon]) async throws {
        let before = try await database.count("pending")
        try await waitUntil("some rows are settled", every: .milliseconds(2)) {
            try await database.count("pending") <= before - 10
        }
        var owner: String?
        try await waitUntil("there are an owner and a standby") {
            owner = try await self.owner(database, of: 11)
            return owner != nil && daemons.allSatisfy { $0.current != nil }
        }
        daemons[owner?.hasPrefix("first") == true ? 0 : 1].kill()
        let left = try await database.count("pending")
        #expect(left > 0, "the owner had done all before it was killed")
        // The standby, as a rule; on a busy machine the killed one may be back before.
        try await waitUntil("another session is the owner") {
            let new = try await self.owner(database, of: 11)
            return new != nil && new != owner
        }
    }

    /// The `application_name` and the process id of the session that owns a business.
    private func owner(_ database: TestDatabase, of businessID: Int64) async throws -> String? {
        try await database.text(
            """
            SELECT min(a.application_name || ' ' || a.pid) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
            WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted AND l.mode = 'ExclusiveLock'
                AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND (l.classid::bigint << 32) | l.objid::bigint = market_chat.owner_key(\(businessID))
            """)
    }

    @Test(arguments: [1, 2] as [UInt64])
    func aSingleDaemonMayBeKilledAtAnyMoment(seed: UInt64) async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(Self.market) { sandbox in
            let daemon = RestartingDaemon(Self.settings(database, sandbox, name: "single"))
            var random = SplitMix64(seed: seed)
            let kills = 8
            for business in Self.businesses { try await database.insert(1...150, business: business) }
            let endings = try await whileRestarting([daemon]) {
                for _ in 0..<kills {
                    // Some requests after its start, or at once.
                    let target = requests(sandbox) + Int.random(in: 0...40, using: &random)
                    try await waitUntil("it runs, and has sent some requests", every: .milliseconds(1)) {
                        daemon.current != nil && requests(sandbox) >= target
                    }
                    let victim = daemon.current
                    victim?.send(SIGKILL)
                    try await waitUntil("it is dead", every: .milliseconds(1)) { daemon.current !== victim }
                }
                try await database.untilSettled()
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 300)
            #expect(endings[0].count { $0 == .killed(by: SIGKILL) } == kills)
            #expect(endings[0].last == .exited(0))
        }
    }

    private func requests(_ sandbox: MarketSandboxServer) -> Int { sandbox.state(withContexts: false).requests }
}
