@preconcurrency import Glibc

/// The environment that a command works with: the process's own over the environment file's.
struct EnvironmentLoader {
    /// Where a package's unit has its environment file.
    static let standardPath = "/etc/market-chatd/market-chatd.env"
    /// Longer files are refused: this one holds some twenty lines.
    static let longestFileBytes = 1024 * 1024

    var environment: [String: String]
    /// What to tell the operator about the file.
    var warnings: [String] = []
    /// What the file alone has. libpq and other libraries read the process's environment, so it has to go there.
    var additions: [String: String] = [:]

    /// - Parameter path: of `--env-file`; `nil` for the standard one, which need not exist.
    /// - Throws: ``CommandFailure`` where a file that was asked for cannot be read, or systemd would refuse it.
    init(
        path: String?, processEnvironment: [String: String], reader: FileReader = .disk
    ) throws(CommandFailure) {
        environment = processEnvironment
        let name = path ?? Self.standardPath
        let shownName = printable(name)
        let file: EnvironmentFile
        switch reader.contents(of: name, atMost: Self.longestFileBytes) {
        case .success(let contents):
            do {
                file = try EnvironmentFile(parsing: contents.bytes)
            } catch {
                throw CommandFailure(.configuration, ["\(shownName): the environment file cannot be used: \(error)"])
            }
        case .failure(let problem):
            guard path != nil else {
                // systemd has read it already, as root; the daemon need not be able to.
                if case .notPermitted = problem { hiddenStandardFile = "\(shownName) exists but \(problem)" }
                return
            }
            throw Self.failure(shownName, problem)
        }
        warnings = file.warnings.map { "\(shownName): \($0)" }
        additions = file.assignments.filter { processEnvironment[$0.key] == nil }
        environment.merge(additions) { process, _ in process }
        watch = EnvironmentFileWatch(path: name, assignments: file.assignments, reader: reader)
    }

    /// To see whether the file changes later.
    private(set) var watch: EnvironmentFileWatch?

    /// Why the standard file was not read although it is there. Worth telling only where something is missing.
    private(set) var hiddenStandardFile: String?

    /// Whoever may not read the standard file, and names no database, does not mean libpq's default: it may be another
    /// database altogether.
    func requireDatabase() throws(CommandFailure) {
        let names = [ConfigurationKey.databaseURL.rawValue, "PGDATABASE", "PGSERVICE"]
        let isNamed = names.contains { environment[$0].map { !$0.isEmpty } ?? false }
        guard let hiddenStandardFile, !isNamed else { return }
        throw CommandFailure(
            .noPermission,
            [
                "\(hiddenStandardFile): name the database, as in env DATABASE_URL='dbname=shop' market-chatd …, or run as a"
                    + " user who may read the file (sudo market-chatd …)"
            ])
    }

    private static func failure(_ name: String, _ problem: FileProblem) -> CommandFailure {
        switch problem {
        case .notPermitted:
            CommandFailure(
                .noPermission, ["--env-file \(name) \(problem): run as a user who may read it, or change its mode"])
        default:
            CommandFailure(.configuration, ["--env-file \(name) \(problem): name a file that holds the configuration"])
        }
    }

    /// The configuration that `read` makes of the environment.
    func configuration<Value>(
        _ read: (_ environment: [String: String]) throws(ConfigurationErrors) -> Value
    ) throws(CommandFailure) -> Value {
        do {
            return try read(environment)
        } catch {
            throw CommandFailure(error, hint: hiddenStandardFile)
        }
    }

    /// Puts ``additions`` into the process's environment. To be called before anything else runs: the environment of a
    /// process is not safe to change beside other threads.
    func apply() {
        for (name, value) in additions { setenv(name, value, 0) }
    }

    /// The environment of this process. What is not UTF-8 is left out.
    static var ofProcess: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            if let text = String(validatingCString: pointer), let equals = text.firstIndex(of: "=") {
                // The first of two with one name is what getenv gives.
                let name = String(text[..<equals])
                if result[name] == nil { result[name] = String(text[text.index(after: equals)...]) }
            }
            entry += 1
        }
        return result
    }
}
