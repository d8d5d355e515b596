import Glibc
import Synchronization

/// Where commands write their answers: at once, so that a reader of a pipe sees each line when it is written.
final class StandardOutput: Sendable {
    static let shared = StandardOutput(descriptor: STDOUT_FILENO)

    private let descriptor: Int32
    /// The first error; after it nothing more is written.
    private let error = Mutex<Int32?>(nil)

    /// - Parameter descriptor: stays the caller's.
    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Why the answer is not whole, for people; `nil` where it is, or where its reader had enough of it.
    var problem: String? {
        error.withLock { error in
            guard let error, error != EPIPE else { return nil }
            return "the answer cannot be written: \(String(cString: strerror(error)))"
        }
    }

    /// Whether more would reach nobody.
    var isOver: Bool { error.withLock { $0 != nil } }

    func write(_ text: String) {
        error.withLock { error in
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty, error == nil {
                let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
                if count > 0 {
                    rest = rest.dropFirst(count)
                } else if errno == EAGAIN {
                    var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                    poll(&waiting, 1, -1)
                } else if errno != EINTR {
                    error = errno
                }
            }
        }
    }
}
