import Glibc
import Harness
import Synchronization

/// A throwaway PostgreSQL cluster in a temporary directory, for tests and the demo.
///
/// It listens on a Unix socket in its own directory and nowhere else, and trusts whoever reaches that. Started by root
/// it runs as the user `postgres`, since PostgreSQL refuses root. A small shell process watches over it: when this
/// process ends, however it ends, the server is stopped and the directory removed.
public final class PrivatePostgres: Sendable {
    /// The name of the superuser.
    public static let superuser = "postgres"

    /// Everything of the cluster is in here.
    public let directory: String
    /// What `port` is set to: 5432 unless the settings say otherwise.
    public let port: Int
    let programs: ServerPrograms
    private let reaper: Reaper
    private let databaseNumber = Atomic(0)

    /// The `host` of a connection string.
    public var socketDirectory: String { directory }
    /// The server's data directory, with `pg_hba.conf`, `postgresql.conf` and `postmaster.pid`.
    public var dataDirectory: String { directory + "/data" }
    /// What the server logs.
    public var logFile: String { directory + "/log" }

    private init(directory: String, port: Int, programs: ServerPrograms, reaper: Reaper) {
        self.directory = directory
        self.port = port
        self.programs = programs
        self.reaper = reaper
    }

    /// Creates and starts a cluster.
    ///
    /// - Parameters:
    ///   - fsync: whether commits reach the disk: true where speed is measured, else false.
    ///   - extraSettings: lines of `postgresql.conf`; they win over the ones that are set here.
    /// - Throws: ``PrivatePostgresError``, with cause and cure.
    public static func start(
        fsync: Bool = false, extraSettings: [String: String] = [:]
    ) async throws -> PrivatePostgres {
        let programs = try await ServerPrograms.find()
        let directory = try PrivateDirectory.create(owner: programs.account)
        let reaper: Reaper
        do {
            reaper = try Reaper.start(for: directory)
        } catch {
            PrivateDirectory.removeEmpty(directory)
            throw error
        }
        let port = extraSettings["port"].flatMap(Int.init) ?? 5432
        let cluster = PrivatePostgres(directory: directory, port: port, programs: programs, reaper: reaper)
        do {
            try await cluster.initialize(fsync: fsync, extraSettings: extraSettings)
            try await cluster.start()
        } catch {
            await reaper.stop()
            throw error
        }
        return cluster
    }

    /// A libpq connection string.
    public func connectionString(database: String = "postgres", user: String = PrivatePostgres.superuser) -> String {
        "host=\(socketDirectory) port=\(port) dbname=\(database) user=\(user)"
    }

    /// Creates a database.
    ///
    /// - Parameters:
    ///   - name: of the new one.
    ///   - template: which database it is a copy of; nobody may be connected to that one.
    /// - Returns: its connection string.
    @discardableResult
    public func createDatabase(named name: String, template: String = "template0") async throws -> String {
        try await psql(script: "CREATE DATABASE \(name) TEMPLATE \(template)")
        return connectionString(database: name)
    }

    /// Creates a database with a name of its own.
    public func createDatabase(template: String = "template0") async throws -> String {
        let number = databaseNumber.add(1, ordering: .relaxed).newValue
        return try await createDatabase(named: "private_\(number)", template: template)
    }

    /// Runs SQL in `psql`, which stops at the first error.
    ///
    /// - Parameters:
    ///   - script: SQL and `psql` commands, given to its standard input.
    ///   - database: where.
    ///   - user: as whom.
    ///   - arguments: further ones of `psql`.
    /// - Returns: what it prints: rows without headers, columns separated by `|`.
    /// - Throws: ``PrivatePostgresError`` with what `psql` wrote to its standard error.
    @discardableResult
    public func psql(
        script: String, database: String = "postgres", user: String = PrivatePostgres.superuser,
        arguments: [String] = []
    ) async throws -> String {
        let fixed = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        let target = ["-d", connectionString(database: database, user: user)]
        return try await programs.run("psql", fixed + arguments + target, input: script)
    }

    /// A command line as the account of the server, which owns its files.
    public func command(_ words: [String]) -> [String] { programs.account.command(words) }

    /// Stops the server, removes the directory, and returns when both is done. Safe to call twice.
    public func stopAndRemove() async {
        await reaper.stop()
    }
}

// The server's life.
extension PrivatePostgres {
    /// How a server is stopped: see `pg_ctl`.
    public enum StopMode: String, Sendable {
        /// Waits until all clients have gone.
        case smart
        /// Ends all sessions.
        case fast
        /// As a crash: the next start recovers.
        case immediate
    }

    /// Starts the server after ``stop(_:)`` or ``kill9()``.
    public func start() async throws {
        try await control("start", ["-l", logFile])
    }

    /// Stops the server and keeps its data.
    public func stop(_ mode: StopMode = .fast) async throws {
        try await control("stop", ["-m", mode.rawValue])
    }

    /// Stops and starts the server.
    public func restart(_ mode: StopMode = .fast) async throws {
        try await control("restart", ["-m", mode.rawValue, "-l", logFile])
    }

    /// Reads `postgresql.conf` and `pg_hba.conf` again.
    public func reload() async throws {
        try await control("reload", [])
    }

    /// Kills the server and all its processes as a power cut does, and returns when ``start()`` may be called.
    public func kill9() async throws {
        let postmaster = try postmasterPID()
        let processes = [postmaster] + ProcessTable.children(of: postmaster)
        for process in processes { kill(process, SIGKILL) }
        for process in processes {
            try await waitUntil("process \(process) has ended", atMost: .seconds(10)) {
                !ProcessTable.isRunning(process)
            }
        }
        // A server does not start while the number in these files is a process, be it a zombie, and in a container
        // there may be nobody who takes zombies away.
        unlink(dataDirectory + "/postmaster.pid")
        unlink(socketDirectory + "/.s.PGSQL.\(port).lock")
    }

    /// Puts lines before all others of `pg_hba.conf`; they hold after ``reload()``.
    public func prependAccessRules(_ lines: [String]) throws {
        let path = dataDirectory + "/pg_hba.conf"
        let rules = try TextFile.read(path)
        try TextFile.write(lines.joined(separator: "\n") + "\n" + rules, to: path)
    }

    /// The process that all others of the server come from.
    public func postmasterPID() throws -> Int32 {
        let text = try TextFile.read(dataDirectory + "/postmaster.pid")
        guard let pid = text.split(separator: "\n").first.flatMap({ Int32($0) }), pid > 1 else {
            throw PrivatePostgresError("postmaster.pid of \(directory) does not begin with a process id")
        }
        return pid
    }

    private func control(_ verb: String, _ arguments: [String]) async throws {
        do {
            try await programs.run("pg_ctl", [verb, "-s", "-w", "-D", dataDirectory] + arguments)
        } catch let error as PrivatePostgresError {
            let log = (try? TextFile.read(logFile)) ?? ""
            throw PrivatePostgresError(
                "\(error.message)\n\(log.split(separator: "\n").suffix(10).joined(separator: "\n"))")
        }
    }

    private func initialize(fsync: Bool, extraSettings: [String: String]) async throws {
        let options = ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync", "--no-instructions"]
        let account = ["--username=\(Self.superuser)", "-D", dataDirectory]
        try await programs.run("initdb", options + account)
        var settings = [
            "listen_addresses": "''",
            "unix_socket_directories": "'\(socketDirectory)'",
            "max_connections": "200",
            "max_prepared_transactions": "0",
            "fsync": fsync ? "on" : "off",
            "full_page_writes": fsync ? "on" : "off",
            "timezone": "'UTC'",
            // As files in the directory, they are removed with it, also after a kill -9.
            "dynamic_shared_memory_type": "mmap",
        ]
        settings.merge(extraSettings) { _, extra in extra }
        let path = dataDirectory + "/postgresql.conf"
        let lines = settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }
        try TextFile.write(TextFile.read(path) + lines.joined(), to: path)
    }
}
