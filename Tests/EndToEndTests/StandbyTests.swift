import Glibc
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// A server with a standby, both named in `DATABASE_URL`: the daemon follows when the standby is promoted.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct StandbyTests {
    private static var market: SandboxOptions {
        var options = SandboxOptions()
        options.quota = 100_000
        options.latency = .milliseconds(20)
        return options
    }

    /// Whether the commits of the first server wait for the standby.
    enum Replication: String, Sendable, CaseIterable {
        case asynchronous, synchronous
    }

    @Test(arguments: Replication.allCases)
    func theDaemonGoesOnOnThePromotedStandby(replication: Replication) async throws {
        let primary = try await PrivatePostgres.start()
        let standby: Standby
        do {
            standby = try await Standby.start(of: primary)
        } catch {
            await primary.stopAndRemove()
            throw error
        }
        do {
            try await goOn(from: primary, to: standby, replication)
        } catch {
            await standby.cluster.stopAndRemove()
            await primary.stopAndRemove()
            throw error
        }
        await standby.cluster.stopAndRemove()
        await primary.stopAndRemove()
    }

    private func goOn(
        from primary: PrivatePostgres, to standby: Standby, _ replication: Replication
    ) async throws {
        let database = try await TestDatabase.make(in: primary)
        if replication == .synchronous {
            try await primary.psql(script: "ALTER SYSTEM SET synchronous_standby_names = '*'")
            try await primary.reload()
            try await waitUntil("commits wait for the standby") {
                try await database.text("SELECT sync_state FROM pg_stat_replication") == "sync"
            }
        }
        try await database.insert(1...150)
        let copy = try await copy(of: database, on: standby)
        try await withSandbox(Self.market) { sandbox in
            try await withDaemon(settings([database.cluster, standby.cluster], database, sandbox)) { daemon in
                try await waitUntil("the daemon works", every: .milliseconds(1)) {
                    try await database.count("created") >= 20
                }
                let created = try await database.count("created")
                try await primary.stop(.immediate)
                try await daemon.log.line("Waiting for the database")
                #expect(try await daemon.get("/readyz").status == 503)
                let copied = try await copy.count("created")
                if replication == .synchronous { #expect(copied >= created) }
                #expect(copied < 150, "all was done before the server was stopped")
                try await expectNextSettlement(on: copy, standby, after: copied, replication)
                try await copy.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: copy, sandbox, rows: 150)
        }
        await copy.connection.close()
        await database.connection.close()
    }

    /// Once the standby has all that the first server has committed so far.
    private func copy(of database: TestDatabase, on standby: Standby) async throws -> TestDatabase {
        let end = try #require(try await database.text("pg_current_wal_flush_lsn()"))
        let replayed = "SELECT pg_last_wal_replay_lsn() >= '\(end)'"
        try await waitUntil("the standby has the rows") { try await standby.cluster.psql(script: replayed) == "t\n" }
        return try await standby.database(like: database)
    }

    private func settings(
        _ clusters: [PrivatePostgres], _ database: TestDatabase, _ sandbox: MarketSandboxServer
    ) -> DaemonSettings {
        let hosts = clusters.map(\.socketDirectory).joined(separator: ",")
        let ports = clusters.map { "\($0.port)" }.joined(separator: ",")
        let url = "host=\(hosts) port=\(ports) dbname=\(database.name) user=\(PrivatePostgres.superuser)"
        return .run(database: url, market: sandbox.url)
    }

    private func expectNextSettlement(
        on copy: TestDatabase, _ standby: Standby, after count: Int, _ replication: Replication
    ) async throws {
        try await standby.promote()
        let promoted = ContinuousClock.now
        try await waitUntil("a row is settled on the promoted server", every: .milliseconds(1)) {
            try await copy.count("created") > count
        }
        if Benchmark.isOn { Benchmark.tell("promotion, \(replication)", "\(ContinuousClock.now - promoted)") }
    }
}
