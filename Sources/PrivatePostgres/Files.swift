import Glibc

/// The cluster's directory. Its path is short: a Unix socket's path has 107 bytes at most.
enum PrivateDirectory {
    static func create(owner: ServerAccount) throws -> String {
        // Not TMPDIR: that may be long, or closed to the account that the server runs as.
        var template = Array("/tmp/private-pg-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw PrivatePostgresError("cannot make a directory in /tmp: \(String(cString: strerror(errno)))")
        }
        let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        if let account = owner.switchTo, chown(path, account.user, account.group) != 0 {
            let reason = String(cString: strerror(errno))
            removeEmpty(path)
            throw PrivatePostgresError("cannot give \(path) to the user postgres: \(reason)")
        }
        return path
    }

    static func removeEmpty(_ path: String) {
        rmdir(path)
    }
}

/// Small text files, whole.
enum TextFile {
    static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "re") else { throw failure("read", path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        guard ferror(file) == 0 else { throw failure("read", path) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The file exists already, and keeps its owner.
    static func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "we") else { throw failure("write", path) }
        let bytes = Array(text.utf8)
        let written = fwrite(bytes, 1, bytes.count, file)
        guard fclose(file) == 0, written == bytes.count else { throw failure("write", path) }
    }

    private static func failure(_ verb: String, _ path: String) -> PrivatePostgresError {
        PrivatePostgresError("cannot \(verb) \(path): \(String(cString: strerror(errno)))")
    }
}

/// What `/proc` says.
enum ProcessTable {
    static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }

    static func children(of parent: pid_t) -> [pid_t] {
        entries(of: "/proc").compactMap { pid_t($0) }.filter { status(of: $0)?.parent == parent }
    }

    /// A zombie runs no more.
    static func isRunning(_ process: pid_t) -> Bool {
        guard let status = status(of: process) else { return false }
        return status.state != "Z" && status.state != "X"
    }

    private static func status(of process: pid_t) -> (state: Substring, parent: pid_t)? {
        guard let text = try? TextFile.read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 2, let parent = pid_t(fields[2]) else { return nil }
        return (fields[1], parent)
    }
}

/// Looks every few milliseconds, 10 s at most.
func waitUntil(_ rule: String, _ condition: () throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(10)
    while try !condition() {
        guard ContinuousClock.now < deadline else { throw PrivatePostgresError("waited 10 s in vain until \(rule)") }
        try await Task.sleep(for: .milliseconds(5))
    }
}
