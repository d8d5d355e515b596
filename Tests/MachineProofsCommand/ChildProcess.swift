@preconcurrency import Glibc

/// A program that is waited for, but not for ever.
enum ChildProcess {
    /// How it ended.
    enum Ending: Equatable {
        case exited(CInt)
        case killed(by: CInt)
        case timedOut
    }

    struct Failure: Error {
        let message: String
    }

    /// Runs a program of `PATH`, with less priority than others have.
    ///
    /// - Parameters:
    ///   - output: the file that takes its standard output and its errors.
    ///   - limit: after so long it is killed.
    static func run(_ arguments: [String], output: String, atMost limit: Duration) throws -> Ending {
        let arguments = ["nice"] + arguments
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: what it starts ends with it.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let error = posix_spawnp(&pid, "nice", &actions, &attributes, words, environ)
        guard error == 0 else {
            throw Failure(message: "cannot start \(arguments): \(String(cString: strerror(error)))")
        }
        return wait(for: pid, until: ContinuousClock.now + limit)
    }

    private static func wait(for pid: pid_t, until deadline: ContinuousClock.Instant) -> Ending {
        var status: CInt = 0
        while waitpid(pid, &status, WNOHANG) == 0 {
            guard ContinuousClock.now < deadline else {
                kill(-pid, SIGKILL)
                waitpid(pid, &status, 0)
                return .timedOut
            }
            usleep(10_000)
        }
        return status & 0x7f == 0 ? .exited(status >> 8 & 0xff) : .killed(by: status & 0x7f)
    }
}

/// A text file, as a whole.
enum TextFile {
    static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "r") else { throw ChildProcess.Failure(message: "cannot read \(path)") }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&part, 1, part.count, file), count > 0 { bytes += part[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A file that says the same already is left alone, so that nothing is built again for it.
    static func write(_ text: String, to path: String) throws {
        if let old = try? read(path), old == text { return }
        guard let file = fopen(path, "w") else { throw ChildProcess.Failure(message: "cannot write \(path)") }
        defer { fclose(file) }
        let bytes = Array(text.utf8)
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count else {
            throw ChildProcess.Failure(message: "cannot write \(path)")
        }
    }
}
