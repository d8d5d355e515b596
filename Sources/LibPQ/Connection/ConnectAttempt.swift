import CLibpq
import Dispatch
import Synchronization

/// One try to connect to one address: libpq's steps on the connection's queue, and a deadline that does not depend on that
/// queue, since libpq may block it.
final class ConnectAttempt: Sendable {
    typealias Answer = Result<(socket: ConnectionSocket, backendPID: Int32, serverVersion: Int), PostgresError>

    private let queue: DispatchQueue
    private let state = Mutex(ConnectState<CheckedContinuation<Answer, Never>, ConnectionSocket>.new)

    init(queue: DispatchQueue) {
        self.queue = queue
    }

    /// - Returns: an open socket, which the caller has to close.
    func run(_ configuration: PostgresConfiguration) async -> Answer {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                perform(state.withLock { $0.wait(continuation) })
                guard isAwaited else { return }
                let limit = configuration.connectTimeout
                DispatchQueue.deadlines.asyncAfter(deadline: .now() + limit.dispatchInterval) { [self] in
                    giveUp(PostgresError(.connectTimedOut, "no connection within \(limit.inSeconds)"))
                }
                queue.async { [self] in start(configuration) }
            }
        } onCancel: {
            giveUp(PostgresError(.cancelled, "connecting was cancelled"))
        }
    }

    private var isAwaited: Bool { state.withLock { $0.isAwaited } }

    private func giveUp(_ error: PostgresError) {
        perform(state.withLock { $0.giveUp(error) })
    }

    private func perform(_ action: ConnectState<CheckedContinuation<Answer, Never>, ConnectionSocket>.Action) {
        switch action {
        case .nothing: break
        case .handOver(let socket, let waiter):
            let pid = PQbackendPID(socket.pointer)
            waiter.resume(returning: .success((socket, pid, Int(PQserverVersion(socket.pointer)))))
        case .refuse(let waiter, let error, let socket):
            if let socket { queue.async { socket.close() } }
            waiter.resume(returning: .failure(error))
        case .close(let socket): queue.async { socket.close() }
        }
    }

    private func start(_ configuration: PostgresConfiguration) {
        guard isAwaited else { return }
        guard let pointer = configuration.withParameters({ PQconnectStartParams($0, $1, 1) }) else {
            return giveUp(PostgresError(.connectFailed, "out of memory"))
        }
        let socket = ConnectionSocket(queue: queue, handle: ConnectionHandle(pointer: pointer))
        PQsetNoticeProcessor(pointer, { _, _ in }, nil)
        // Brings the SQLSTATE into the text of a refused connection: libpq has no other way to learn it.
        PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
        perform(state.withLock { $0.began(with: socket) })
        // Where the caller has given up meanwhile, the socket is closed by the next block on this queue.
        guard isAwaited else { return }
        guard PQstatus(pointer) != CONNECTION_BAD else { return fail(socket) }
        socket.waitOnce(forWriting: true) { [self] in poll(socket) }
    }

    private func poll(_ socket: ConnectionSocket) {
        let step = PQconnectPoll(socket.pointer)
        switch step {
        case PGRES_POLLING_READING, PGRES_POLLING_WRITING:
            // A start that failed between two hosts has no socket for the moment.
            guard PQsocket(socket.pointer) >= 0 else { return fail(socket) }
            socket.waitOnce(forWriting: step == PGRES_POLLING_WRITING) { [self] in poll(socket) }
        case PGRES_POLLING_OK:
            PQsetErrorVerbosity(socket.pointer, PQERRORS_DEFAULT)
            guard PQsetnonblocking(socket.pointer, 1) == 0, PQenterPipelineMode(socket.pointer) == 1 else {
                return fail(socket)
            }
            perform(state.withLock { $0.connected() })
        default: fail(socket)
        }
    }

    private func fail(_ socket: ConnectionSocket) {
        if PQconnectionNeedsPassword(socket.pointer) == 1 {
            return giveUp(PostgresError(.passwordMissing, "the server wants a password, and none was given"))
        }
        giveUp(.ofRefusedConnection(String(cString: PQerrorMessage(socket.pointer))))
    }
}

extension DispatchQueue {
    /// Where deadlines pass. Nothing on it blocks, and as a queue of its own it always finds a thread.
    static let deadlines = DispatchQueue(label: "postgres deadlines")
}

extension Duration {
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        return .nanoseconds(Int(clamping: seconds.clampedNanoseconds + attoseconds / 1_000_000_000))
    }
}

extension Duration {
    /// For people, to a tenth.
    var inSeconds: String {
        let tenths = Int64((self / .milliseconds(100)).rounded())
        return "\(tenths / 10).\(tenths % 10) s"
    }
}

extension Int64 {
    /// As a number of seconds; at most some 200 years.
    fileprivate var clampedNanoseconds: Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (self < 0 ? 0 : Int64.max / 2) : product
    }
}
