import Glibc
import Synchronization

/// Writes whole lines to a file descriptor, for a bounded time: a log that nobody reads must not stop the work. What
/// cannot be written is dropped and counted, and the count is told as soon as lines pass again.
final class LineWriter: Sendable {
    /// What a pipe or a socket that polls as writable takes without waiting, at least.
    private static let chunkBytes = 4096
    /// How long one line may wait for its reader.
    private static let patienceMilliseconds: Int32 = 200

    private struct State {
        /// After a line was dropped, the next ones do not wait at all, until one passes.
        var isStuck = false
        var droppedLines = 0
    }

    private let descriptor: Int32
    private let state = Mutex(State())

    /// - Parameter descriptor: stays the caller's.
    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    static let standardError = LineWriter(descriptor: STDERR_FILENO)

    /// - Parameter line: with its line end.
    func write(_ line: String) {
        state.withLock { state in
            if state.droppedLines > 0 {
                let notice = "(\(state.droppedLines) log lines were dropped, since nobody read them)\n"
                guard put(notice, patience: 0) else {
                    state.droppedLines += 1
                    return
                }
                state.droppedLines = 0
                state.isStuck = false
            }
            guard put(line, patience: state.isStuck ? 0 : Self.patienceMilliseconds) else {
                state.droppedLines += 1
                state.isStuck = true
                return
            }
        }
    }

    /// Where lines were dropped, says so by another way.
    ///
    /// - Parameter tell: told how many; returns whether it could be said.
    func tellOfDrops(_ tell: (_ count: Int) -> Bool) {
        state.withLock { state in
            guard state.droppedLines > 0, tell(state.droppedLines) else { return }
            state = State()
        }
    }

    private func put(_ line: String, patience: Int32) -> Bool {
        var rest = Array(line.utf8)[...]
        var isBegun = false
        while !rest.isEmpty {
            var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            // A line that was begun is worth the whole patience, for a half one spoils the next.
            let ready = poll(&waiting, 1, isBegun ? Self.patienceMilliseconds : patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { return false }
            let count = rest.prefix(Self.chunkBytes).withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress, $0.count)
            }
            if count > 0 {
                rest = rest.dropFirst(count)
                isBegun = true
            } else if errno != EINTR, errno != EAGAIN {
                // The reader is gone for good: nothing to wait for.
                return true
            } else if errno == EAGAIN, !isBegun {
                return false
            }
        }
        return true
    }
}
