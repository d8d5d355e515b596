import Glibc
import Harness
import LibPQ
import PrivatePostgres
import Subprocess
import Synchronization

/// A PgBouncer before a server, on a Unix socket in the server's own directory, which goes with that.
struct Pooler: Sendable {
    /// When a client has its server process for itself. Source: PgBouncer's manual, `pool_mode`.
    enum Mode: String, Sendable, CaseIterable {
        case session, transaction, statement
    }

    /// What `DATABASE_URL` is to be.
    let connectionString: String
    private let configuration: String
    private let cluster: PrivatePostgres
    private let port: Int

    /// Names of sockets and nothing else: PgBouncer listens at no address.
    private static let lastPort = Atomic(16_432)
    private static let name = "pgbouncer"

    /// The program; Debian keeps it outside the `PATH` of most users.
    static let program: String? = {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        let folders = path.split(separator: ":").map(String.init) + ["/usr/sbin"]
        return folders.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }()

    /// - Parameter settings: lines of its section `pgbouncer`; they win over the ones that are set here.
    init(before database: TestDatabase, _ mode: Mode, settings: [String: String] = [:]) {
        cluster = database.cluster
        port = Self.lastPort.add(1, ordering: .relaxed).newValue
        connectionString = "host=\(cluster.socketDirectory) port=\(port) dbname=\(database.name)"
        let standard = [
            "listen_addr": "", "listen_port": "\(port)", "unix_socket_dir": cluster.socketDirectory,
            // Whoever reaches the socket is the superuser.
            "auth_type": "any",
            "pool_mode": mode.rawValue,
        ]
        let lines = standard.merging(settings) { $1 }.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)" }
        configuration = """
            [databases]
            \(database.name) = host=\(cluster.socketDirectory) port=\(cluster.port) user=\(PrivatePostgres.superuser)
            [pgbouncer]
            \(lines.joined(separator: "\n"))

            """
    }

    /// Runs it while `body` runs; then it is ended by `signal`. May be called again: the next one takes its place.
    func run<R: Sendable>(endingBy signal: CInt = SIGTERM, _ body: () async throws -> R) async throws -> R {
        let log = try ScratchFile()
        let result = try await Subprocess.run(
            try command(log), input: .none, output: .discarded, error: .discarded
        ) { execution in
            defer { kill(execution.processIdentifier.value, signal) }
            do {
                try await waitUntil("the pooler takes connections") { await takesConnections() }
            } catch {
                throw WaitedInVain(description: "\(error): \((try? log.text().suffix(1000)) ?? "")")
            }
            return try await body()
        }
        return result.takeClosureResult()
    }

    /// As the account of the server, since PgBouncer refuses root. It ends with this process, even where that is killed.
    private func command(_ log: ScratchFile) throws -> Configuration {
        guard let program = Self.program else { throw WaitedInVain(description: "there is no \(Self.name)") }
        let path = "\(cluster.directory)/\(Self.name)-\(port).ini"
        try TextFile.write(configuration, to: path)
        let words = cluster.command(ChildCommand.endingWithParent([program, path]))
        return Configuration(
            executable: .name("env"), arguments: Arguments(ChildCommand.writing(words, to: log.path)),
            environment: .custom(["PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C"]))
    }

    /// One more client, to be closed by the caller.
    func connection() async throws -> PostgresConnection {
        try await PostgresConnection.connect(PostgresConfiguration(connectionString: connectionString))
    }

    private func takesConnections() async -> Bool {
        guard let connection = try? await connection() else { return false }
        await connection.close()
        return true
    }
}
