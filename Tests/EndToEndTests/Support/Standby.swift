import Harness
import LibPQ
import PrivatePostgres
import Subprocess

/// A second server that follows a first one by streaming replication, until it is promoted.
struct Standby: Sendable {
    let cluster: PrivatePostgres

    /// Starts one that has all that the other server has now.
    ///
    /// It takes the place of a cluster of its own, whose end is so taken care of.
    static func start(of primary: PrivatePostgres) async throws -> Standby {
        let cluster = try await PrivatePostgres.start()
        do {
            try await cluster.stop(.immediate)
            try await takeOver(cluster, from: primary)
            try await cluster.start()
            return Standby(cluster: cluster)
        } catch {
            await cluster.stopAndRemove()
            throw error
        }
    }

    private static func takeOver(_ cluster: PrivatePostgres, from primary: PrivatePostgres) async throws {
        let programs = try await primary.psql(script: "SELECT setting FROM pg_config WHERE name = 'BINDIR'").prefix {
            $0 != "\n"
        }
        try await run(cluster.command(["rm", "-r", cluster.dataDirectory]))
        try await run(
            cluster.command([
                "\(programs)/pg_basebackup", "--pgdata=\(cluster.dataDirectory)", "--dbname",
                primary.connectionString(), "--write-recovery-conf", "--checkpoint=fast", "--no-sync",
            ]))
        // The settings came along too. This file has the last word, and exists since the recovery is configured in it.
        try TextFile.append(
            "unix_socket_directories = '\(cluster.socketDirectory)'\n",
            to: "\(cluster.dataDirectory)/postgresql.auto.conf")
    }

    private static func run(_ words: [String]) async throws {
        let result = try await Subprocess.run(
            .name("env"), arguments: Arguments(["--chdir=/"] + words),
            environment: .custom(["PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"]),
            input: .none, output: .discarded, error: .string(limit: 1 << 20))
        guard case .exited(0) = result.terminationStatus else {
            throw WaitedInVain(description: "\(words): \(result.terminationStatus) \(result.standardError)")
        }
    }

    /// The copy of a database of the first server. Until the promotion it can only be read.
    func database(like database: TestDatabase) async throws -> TestDatabase {
        let connectionString = cluster.connectionString(database: database.name)
        return TestDatabase(
            cluster: cluster, name: database.name, connectionString: connectionString,
            connection: try await PostgresConnection.connect(PostgresConfiguration(connectionString: connectionString)))
    }

    /// Returns as soon as it takes writes, where pg_promote would look only ten times a second.
    func promote() async throws {
        let connection = try await PostgresConnection.connect(
            PostgresConfiguration(connectionString: cluster.connectionString()))
        _ = try await connection.query(PostgresStatement("SELECT pg_promote(wait => false)"))
        try await waitUntil("the standby is promoted", every: .milliseconds(1)) {
            let recovery = PostgresStatement("SELECT pg_is_in_recovery() AS lasts")
            return try await !connection.query(recovery)[0].decode("lasts", as: Bool.self)
        }
        await connection.close()
    }
}
