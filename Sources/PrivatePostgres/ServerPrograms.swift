import Glibc
import Harness
import Subprocess

/// The programs of a PostgreSQL server, and the account that they run under.
struct ServerPrograms: Sendable {
    /// Where `initdb`, `pg_ctl`, `postgres` and `psql` are.
    let directory: String
    let account: ServerAccount

    private static let needed = ["initdb", "pg_ctl", "postgres", "psql"]

    /// Names the directory of another server than the one that is found: its tests are run with it.
    private static let variable = "CHATD_TEST_POSTGRES"

    /// Where ``variable`` says. Else Debian keeps them outside `PATH`: `/usr/lib/postgresql/*/bin`, the newest first; then
    /// where `pg_config` says, then `PATH`.
    static func find() async throws -> ServerPrograms {
        let account = try ServerAccount.current()
        if let chosen = getenv(variable).map({ String(cString: $0) }), !chosen.isEmpty {
            let missing = needed.filter { access("\(chosen)/\($0)", X_OK) != 0 }
            guard missing.isEmpty else {
                throw PrivatePostgresError("\(variable): \(missing.joined(separator: ", ")) not found in \(chosen)")
            }
            return ServerPrograms(directory: chosen, account: account)
        }
        var candidates = debianDirectories()
        let shell = ServerPrograms(directory: "/usr/local/bin", account: account)
        if let bindir = try? await shell.run("pg_config", ["--bindir"]) {
            candidates.append(String(bindir.prefix { $0 != "\n" }))
        }
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        candidates += path.split(separator: ":").map(String.init)
        for directory in candidates where needed.allSatisfy({ access("\(directory)/\($0)", X_OK) == 0 }) {
            return ServerPrograms(directory: directory, account: account)
        }
        throw PrivatePostgresError(
            "PostgreSQL server programs not found (\(needed.joined(separator: ", ")) in one directory of "
                + "/usr/lib/postgresql/*/bin, pg_config --bindir or PATH): apt-get install postgresql")
    }

    private static func debianDirectories() -> [String] {
        let parent = "/usr/lib/postgresql"
        let versions = ProcessTable.entries(of: parent).compactMap { Int($0) }
        return versions.sorted(by: >).map { "\(parent)/\($0)/bin" }
    }

    /// Runs one of the programs to its end.
    ///
    /// - Returns: its standard output.
    /// - Throws: ``PrivatePostgresError`` with its standard error where it fails.
    @discardableResult
    func run(_ program: String, _ arguments: [String], input: String = "") async throws -> String {
        let words = account.command([program] + arguments)
        // The environment is ours alone: PG* variables of the user must not lead anywhere else.
        let environment = Environment.custom([
            "PATH": "\(directory):/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/",
        ])
        // pg_ctl leaves the server behind with its own standard output, so neither of its pipes would ever end.
        let keepsOutput = program != "pg_ctl"
        let configuration = Configuration(
            executable: .name("env"), arguments: Arguments(["--chdir=/"] + words),
            environment: environment)
        guard keepsOutput else {
            let result = try await Subprocess.run(configuration, output: .discarded, error: .discarded)
            guard case .exited(0) = result.terminationStatus else {
                throw PrivatePostgresError("pg_ctl \(arguments.first ?? "") failed: \(result.terminationStatus)")
            }
            return ""
        }
        let limit = 4 << 20
        let result = try await Subprocess.run(
            configuration, input: .string(input), output: .string(limit: limit), error: .string(limit: limit))
        guard case .exited(0) = result.terminationStatus else {
            throw PrivatePostgresError("\(program) failed (\(result.terminationStatus)): \(result.standardError)")
        }
        return result.standardOutput
    }
}
