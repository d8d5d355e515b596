import Glibc

/// Small text files, whole.
enum DemoFile {
    /// For us alone: it holds an API key, though one that opens the sandbox only.
    private static let mode: mode_t = 0o600

    static func write(_ text: String, to path: String) throws {
        try write(text, to: open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), named: path)
    }

    /// Keeps a text in a new file in /tmp, and returns where.
    static func keep(_ text: String) throws -> String {
        let suffix = ".log"
        var template = Array(("/tmp/market-chatd-demo-XXXXXX" + suffix).utf8CString)
        let descriptor = mkstemps(&template, CInt(suffix.utf8.count))
        let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        try write(text, to: descriptor, named: path)
        return path
    }

    /// Empty where there is no such file.
    static func read(_ path: String) -> String {
        guard let file = fopen(path, "re") else { return "" }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static func write(_ text: String, to descriptor: CInt, named path: String) throws {
        guard descriptor >= 0 else { throw failure(path) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 else { throw failure(path) }
            rest = rest.dropFirst(written)
        }
    }

    private static func failure(_ path: String) -> DemoFailure {
        DemoFailure("cannot write \(path): \(String(cString: strerror(errno))); is /tmp full or closed to you?")
    }
}

/// What the daemon has logged.
struct DaemonLog: Sendable {
    let path: String

    private static let shownLines = 15

    /// The last lines, and where the whole log is kept: its own place is removed at the end.
    func epitaph() -> String {
        let text = DemoFile.read(path)
        guard !text.isEmpty else { return "market-chatd has logged nothing.\n" }
        let lines = text.split(separator: "\n").suffix(Self.shownLines)
        let place: String
        do {
            place = "The whole log is \(try DemoFile.keep(text)); remove it when you have read it.\n"
        } catch {
            place = "The whole log is lost: \(error)\n"
        }
        return "The last lines of market-chatd's log:\n" + lines.map { "  \($0)\n" }.joined() + place
    }
}
