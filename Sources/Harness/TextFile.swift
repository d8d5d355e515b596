public import Glibc

/// Small text files, whole.
public enum TextFile {
    /// Which file could not be read or written, and why.
    public struct Failure: Error, CustomStringConvertible {
        public let description: String

        init(_ verb: String, _ path: String) {
            description = "cannot \(verb) \(path): \(String(cString: strerror(errno)))"
        }
    }

    /// - Throws: ``Failure``.
    public static func read(_ path: String) throws -> String {
        guard let file = fopen(path, "re") else { throw Failure("read", path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        guard ferror(file) == 0 else { throw Failure("read", path) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Instead of all that is in it; a file that exists keeps its owner and its mode.
    ///
    /// - Parameters:
    ///   - text: all of it.
    ///   - path: of the file, which may exist.
    ///   - mode: of a new file.
    /// - Throws: ``Failure``.
    public static func write(_ text: String, to path: String, mode: mode_t = 0o644) throws {
        try write(text, open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), path)
    }

    /// After all that is in it; the file exists.
    ///
    /// - Throws: ``Failure``.
    public static func append(_ text: String, to path: String) throws {
        try write(text, open(path, O_WRONLY | O_APPEND | O_CLOEXEC), path)
    }

    /// A new file of our own, with a name that nobody has.
    ///
    /// - Parameters:
    ///   - text: all of it.
    ///   - prefix: of its path.
    ///   - suffix: of its path.
    /// - Returns: its path.
    /// - Throws: ``Failure``.
    public static func writeNew(_ text: String, prefix: String, suffix: String) throws -> String {
        var template = Array("\(prefix)XXXXXX\(suffix)".utf8CString)
        let descriptor = mkstemps(&template, CInt(suffix.utf8.count))
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        try write(text, descriptor, path)
        return path
    }

    private static func write(_ text: String, _ descriptor: CInt, _ path: String) throws {
        guard descriptor >= 0 else { throw Failure("write", path) }
        defer { close(descriptor) }
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let written = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard written > 0 || errno == EINTR else { throw Failure("write", path) }
            rest = rest.dropFirst(max(0, written))
        }
    }
}
