import Glibc
import PrivatePostgres
import TestSupport
import Testing

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct PrivatePostgresTests {
    @Test func aClusterOutlivesAKillAndLeavesNothingBehind() async throws {
        let cluster = try await PrivatePostgres.start()
        try await cluster.createDatabase(named: "lasting")
        try await cluster.psql(script: "CREATE TABLE t AS SELECT 42 AS answer; CHECKPOINT;", database: "lasting")
        try await cluster.kill9()
        await #expect(throws: PrivatePostgresError.self) { try await cluster.psql(script: "SELECT 1") }
        try await cluster.start()
        #expect(try await cluster.psql(script: "SELECT answer FROM t", database: "lasting") == "42\n")
        try await cluster.restart()
        let postmaster = try cluster.postmasterPID()
        await cluster.stopAndRemove()
        // A zombie, which somebody else has to take away, has no program any more.
        #expect(access("/proc/\(postmaster)/exe", F_OK) != 0)
        #expect(access(cluster.directory, F_OK) != 0)
    }

    @Test func psqlStopsAtTheFirstErrorAndSaysWhich() async throws {
        let cluster = try await PrivatePostgres.shared()
        let error = try await #require(throws: PrivatePostgresError.self) {
            try await cluster.psql(script: "SELECT 1/0; CREATE TABLE never();")
        }
        #expect(error.message.contains("division by zero"))
        #expect(try await cluster.psql(script: "SELECT to_regclass('never') IS NULL") == "t\n")
    }

    @Test func itListensOnNoNetworkAddress() async throws {
        let cluster = try await PrivatePostgres.shared()
        #expect(try await cluster.psql(script: "SHOW listen_addresses") == "\n")
        #expect(cluster.socketDirectory.utf8.count < 80)
    }
}
