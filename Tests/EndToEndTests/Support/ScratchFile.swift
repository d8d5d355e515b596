import Glibc
import Harness

/// Files for a test: those that a child writes to have no name, so that nothing is left behind in any case.
final class ScratchFile: Sendable {
    /// More than this is a defect of whoever writes it.
    static let limit = 64 << 20

    private let descriptor: CInt
    /// For another process of the same user, while this object lives.
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }

    struct Failure: Error, CustomStringConvertible {
        var description: String
        init(_ action: String) { description = "\(action): \(String(cString: strerror(errno)))" }
    }

    init() throws {
        let name = "/tmp/chatd-test-\(UInt64.random(in: 0 ... .max))"
        descriptor = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Failure("a temporary file") }
        unlink(name)
    }

    deinit {
        close(descriptor)
    }

    /// What was written from this byte on.
    func bytes(from offset: Int) throws -> [UInt8] {
        var facts = stat()
        guard fstat(descriptor, &facts) == 0 else { throw Failure("fstat") }
        let end = Int(facts.st_size)
        guard end <= Self.limit else { throw Failure("more than \(Self.limit) bytes were written") }
        guard end > offset else { return [] }
        return try [UInt8](unsafeUninitializedCapacity: end - offset) { buffer, count in
            count = 0
            while count < buffer.count {
                let length = pread(descriptor, buffer.baseAddress! + count, buffer.count - count, offset + count)
                if length == 0 { return }
                if length > 0 { count += length } else if errno != EINTR { throw Failure("pread") }
            }
        }
    }

    func text() throws -> String { String(decoding: try bytes(from: 0), as: UTF8.self) }
}

/// A directory with named files, for what a daemon is to read; removed with its files when this object goes.
final class ScratchDirectory: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/chatd-test-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw ScratchFile.Failure("a temporary directory") }
        path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
    }

    deinit {
        for name in ProcessTable.entries(of: path) where name != "." && name != ".." { unlink("\(path)/\(name)") }
        rmdir(path)
    }

    /// Writes a file, replaced as a whole where it exists already.
    /// - Returns: its path.
    @discardableResult
    func write(_ text: String, to name: String, mode: mode_t = 0o600) throws -> String {
        let path = "\(path)/\(name)"
        try TextFile.write(text, to: "\(path).new")
        guard chmod("\(path).new", mode) == 0, rename("\(path).new", path) == 0 else { throw ScratchFile.Failure(path) }
        return path
    }
}
