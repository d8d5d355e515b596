import Glibc

/// A file, or standard input, that is read from its beginning to its end.
final class InputFile {
    private static let chunkBytes = 64 * 1024

    /// For messages.
    let name: String
    /// `nil`: not known, as of a pipe.
    let size: Int?
    private(set) var bytesRead = 0
    private let descriptor: Int32

    /// - Parameter path: `-` for standard input.
    /// - Throws: ``FileProblem``.
    init(_ path: String) throws(FileProblem) {
        name = path == "-" ? "standard input" : printable(path)
        descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        guard descriptor >= 0 else { throw FileReader.problem(with: path, code: errno) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw .failed(systemErrorText(errno)) }
        if facts.st_mode & S_IFMT == S_IFDIR { throw .isDirectory }
        size = facts.st_mode & S_IFMT == S_IFREG ? Int(facts.st_size) : nil
    }

    deinit {
        if descriptor > STDERR_FILENO { close(descriptor) }
    }

    /// Waits for more.
    ///
    /// - Returns: `nil` at the end.
    /// - Throws: ``FileProblem``.
    func next() throws(FileProblem) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: Self.chunkBytes)
        while true {
            let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                bytesRead += count
                return Array(bytes[..<count])
            }
            if count == 0 { return nil }
            if errno != EINTR { throw .failed(systemErrorText(errno)) }
        }
    }

    /// Whether there is more, or the end, within so many milliseconds.
    func isReady(withinMilliseconds limit: Int32) -> Bool {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&waiting, 1, limit) != 0
    }
}
