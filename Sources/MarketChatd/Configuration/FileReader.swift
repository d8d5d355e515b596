import Glibc

/// Reads whole files, up to a limit. The configuration's only way to the disk, so that tests can stand in for it.
struct FileReader: Sendable {
    typealias Body = @Sendable (_ path: String, _ limitBytes: Int) -> Result<FileContents, FileProblem>

    private let body: Body

    init(_ body: @escaping Body) {
        self.body = body
    }

    func contents(of path: String, atMost limitBytes: Int) -> Result<FileContents, FileProblem> {
        body(path, limitBytes)
    }

    /// How long a pipe may take for its next part.
    private static let pipePatienceMilliseconds: Int32 = 5000

    /// The real one. A pipe will do, and one into which nobody writes holds up nobody.
    static let disk = FileReader { path, limitBytes in
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)
        guard descriptor >= 0 else { return .failure(problem(with: path, code: errno)) }
        defer { close(descriptor) }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { return .failure(problem(with: path, code: errno)) }
        if facts.st_mode & S_IFMT == S_IFDIR { return .failure(.isDirectory) }
        // One byte more than allowed tells a file that is too long from one that just fits.
        var bytes = [UInt8](repeating: 0, count: limitBytes + 1)
        var count = 0
        while count < bytes.count {
            let length = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress! + count, $0.count - count) }
            if length == 0 { break }
            if length < 0 {
                if errno == EINTR { continue }
                if errno == EAGAIN {
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
                    if poll(&waiting, 1, pipePatienceMilliseconds) != 0 { continue }
                    return .failure(.failed("it is a pipe, and nothing came for 5 s"))
                }
                return .failure(problem(with: path, code: errno))
            }
            count += length
        }
        guard count <= limitBytes else { return .failure(.tooLong(limitBytes: limitBytes)) }
        return .success(FileContents(Array(bytes[..<count]), isWorldReadable: facts.st_mode & S_IROTH != 0))
    }

    static func problem(with path: String, code: Int32) -> FileProblem {
        switch code {
        case ENOENT, ENOTDIR: return .missing
        case EACCES, EPERM: return .notPermitted(detail: permissions(of: path))
        case EISDIR: return .isDirectory
        default: return .failed(systemErrorText(code))
        }
    }

    private static func permissions(of path: String) -> String {
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            return "a directory above it is closed to user id \(geteuid()), as which market-chatd runs"
        }
        let mode = String(facts.st_mode & 0o7777, radix: 8)
        return "it belongs to user id \(facts.st_uid) and group id \(facts.st_gid) with mode \(mode), and market-chatd"
            + " runs as user id \(geteuid()) and group id \(getegid())"
    }
}

/// What the system says of an error code, such as `No such file or directory`.
func systemErrorText(_ code: Int32) -> String {
    // glibc keeps the text for each thread.
    String(cString: strerror(code))
}
