import Harness
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// The page and `/status.json` of the real daemon.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct StatusPageTests {
    @Test func thePageTellsWhatTheEngineAndTheDatabaseKnow() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox, businesses: [11, 12])) { daemon in
                try await database.insert(1...5)
                try await database.untilSettled()
                // Of a cabinet that nobody serves.
                try await database.insert(1...2, business: 99)
                let page = try await daemon.get("/")
                #expect(page.status == 200)
                #expect(page.body.contains("<title>not listed: 99 · market-chatd on "))
                #expect(page.body.contains("this instance"))
                #expect(page.body.contains("Created: 5, at most 5 in an hour"))
                #expect(page.body.contains("order 5"))
                let json = try await daemon.get("/status.json").body
                #expect(json.contains(#""business_id":99,"is_owned":false"#))
                #expect(json.contains(#""state":"not_listed""#))
                #expect(json.contains(#""created_24h":5"#))
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }

    @Test func aSecondInstanceNamesTheFirstAsTheOwner() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { first in
                try await first.log.line("Business owned")
                try await withDaemon(.run(database, sandbox)) { second in
                    try await second.log.line("Database session opened")
                    let json = try await second.get("/status.json?with=database").body
                    #expect(json.contains(#""owner":{"kind":"other","name":"market-chatd@"#))
                    #expect(json.contains(":\(first.pid)\""))
                    #expect(try await second.get("/").body.contains(":\(first.pid)</bdi>"))
                }
            }
        }
    }

    /// Scripts ask every second: that costs the database nothing.
    @Test func statusJSONReadsTheDatabaseOnlyWhereItIsAskedTo() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await daemon.log.line("Business owned")
                for _ in 0..<20 {
                    let json = try await daemon.get("/status.json").body
                    #expect(json.contains(#""database_part":{"age_seconds":null"#) && json.contains(#""hours":null"#))
                }
                #expect(try await daemon.get("/status.json?with=database").body.contains(#""hours":[{"#))
            }
        }
    }

    @Test func withTheDatabaseAwayThePageStillComesAndSaysSinceWhen() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox { sandbox in
            try await withDaemon(.run(database, sandbox)) { daemon in
                try await daemon.log.line("Business owned")
                #expect(try await daemon.get("/").body.contains("The business is served."))
                try await database.cluster.psql(
                    script: """
                        ALTER DATABASE \(database.name) ALLOW_CONNECTIONS false;
                        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(database.name)'
                        """, database: "postgres")
                try await waitUntil("the page says so") {
                    let page = try await daemon.get("/")
                    return page.status == 200 && page.body.contains("The database is away since ")
                }
                let json = try await daemon.get("/status.json").body
                #expect(json.contains(#""state":"unknown""#) && json.contains(#""connected":false"#))
                try await database.cluster.psql(
                    script: "ALTER DATABASE \(database.name) ALLOW_CONNECTIONS true", database: "postgres")
                try await waitUntil("it is served again") {
                    try await daemon.get("/").body.contains("The business is served.")
                }
            }
        }
    }
}
