import Glibc
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// A database that goes away, and one that is not there yet.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct DatabaseOutageTests {
    private static var market: SandboxOptions {
        var options = SandboxOptions()
        options.quota = 100_000
        options.latency = .milliseconds(20)
        return options
    }

    @Test func theDaemonOutlivesAServerThatIsKilledUnderLoad() async throws {
        let cluster = try await PrivatePostgres.start()
        var database = try await TestDatabase.make(in: cluster)
        try await withSandbox(Self.market) { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await database.insert(1...150)
                for round in 1...2 {
                    let requests = sandbox.state(withContexts: false).requests
                    try await waitUntil("it works", every: .milliseconds(1)) {
                        sandbox.state(withContexts: false).requests >= requests + 20
                    }
                    try await cluster.kill9()
                    try await daemon.log.line("Database session lost", count: round)
                    #expect(try await daemon.get("/readyz").status == 503)
                    #expect(try await daemon.get("/healthz").status == 200)
                    try await cluster.start()
                    database = try await database.reconnected()
                    let pending = try await database.count("pending")
                    #expect(pending > 0, "all was done before the server was killed")
                }
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 150)
        }
        await cluster.stopAndRemove()
    }

    @Test func aDaemonThatStartsBeforeItsDatabaseWaitsForIt() async throws {
        let cluster = try await PrivatePostgres.start()
        let database = try await TestDatabase.make(in: cluster)
        try await database.insert(1...5)
        await database.connection.close()
        try await cluster.stop()
        try await withSandbox(Self.market) { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await daemon.log.line("Waiting for the database")
                #expect(try await daemon.get("/healthz").status == 200)
                let ready = try await daemon.get("/readyz")
                #expect(ready.status == 503)
                #expect(ready.body.contains("waiting for the database"))
                #expect(try await daemon.get("/status.json").body.contains(#""connected":false"#))
                try await cluster.start()
                try await waitUntil("it is ready") { try await daemon.get("/readyz").status == 200 }
                let opened = try await database.reconnected()
                try await opened.untilSettled()
                try await Invariants.expectAll(in: opened, sandbox, rows: 5)
                await opened.connection.close()
                // A drain that finds no database ends in time all the same.
                try await cluster.stop()
                #expect(try await daemon.drain() == .exited(0))
            }
        }
        await cluster.stopAndRemove()
    }
}
