import CLibpq
import Dispatch
import Synchronization

/// One try to connect: libpq's steps on the connection's queue, and a deadline that does not depend on that queue, since
/// name resolution inside libpq may block it.
final class ConnectAttempt: Sendable {
    typealias Answer = Result<(link: Link, backendPID: Int32, serverVersion: Int), PostgresError>

    private let queue: DispatchQueue
    private let continuation = Mutex<CheckedContinuation<Answer, Never>?>(nil)
    private let link = Mutex<Link?>(nil)

    init(queue: DispatchQueue) {
        self.queue = queue
    }

    /// - Returns: an open link, which the caller has to close.
    func run(_ configuration: PostgresConfiguration) async -> Answer {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                self.continuation.withLock { $0 = continuation }
                if Task.isCancelled { return finish(.failure(PostgresError(.cancelled, "connecting was cancelled"))) }
                let deadline = DispatchTime.now() + configuration.connectTimeout.dispatchInterval
                let timeout = DispatchWorkItem { [self] in
                    let text = "no connection within \(configuration.connectTimeout)"
                    finish(.failure(PostgresError(.connectTimedOut, text)))
                }
                DispatchQueue.global().asyncAfter(deadline: deadline, execute: timeout)
                queue.async { [self] in start(configuration) }
            }
        } onCancel: {
            finish(.failure(PostgresError(.cancelled, "connecting was cancelled")))
        }
    }

    /// The first answer counts. A link that nobody waits for any more is closed.
    private func finish(_ answer: Answer) {
        let waiter = continuation.withLock { continuation -> CheckedContinuation<Answer, Never>? in
            defer { continuation = nil }
            return continuation
        }
        let link = link.withLock { link -> Link? in
            defer { link = nil }
            return link
        }
        if case .success = answer, waiter != nil {
            // Now it is the caller's.
        } else if let link {
            queue.async { link.close() }
        }
        waiter?.resume(returning: answer)
    }

    private var isOver: Bool { continuation.withLock { $0 == nil } }

    private func start(_ configuration: PostgresConfiguration) {
        guard !isOver else { return }
        guard let pointer = configuration.withParameters({ PQconnectStartParams($0, $1, 1) }) else {
            return finish(.failure(PostgresError(.connectFailed, "out of memory")))
        }
        let link = Link(queue: queue, handle: ConnectionHandle(pointer: pointer))
        PQsetNoticeProcessor(pointer, { _, _ in }, nil)
        // Brings the SQLSTATE into the text of a refused connection: libpq has no other way to learn it.
        PQsetErrorVerbosity(pointer, PQERRORS_VERBOSE)
        self.link.withLock { $0 = link }
        // The caller may have given up while names were resolved.
        if isOver { return finish(.failure(PostgresError(.connectTimedOut, ""))) }
        guard PQstatus(pointer) != CONNECTION_BAD else { return fail(link) }
        link.waitOnce(forWriting: true) { [self] in poll(link) }
    }

    private func poll(_ link: Link) {
        let step = PQconnectPoll(link.pointer)
        switch step {
        case PGRES_POLLING_READING, PGRES_POLLING_WRITING:
            // A start that failed between two hosts has no socket for the moment.
            guard PQsocket(link.pointer) >= 0 else { return fail(link) }
            link.waitOnce(forWriting: step == PGRES_POLLING_WRITING) { [self] in poll(link) }
        case PGRES_POLLING_OK:
            PQsetErrorVerbosity(link.pointer, PQERRORS_DEFAULT)
            guard PQsetnonblocking(link.pointer, 1) == 0, PQenterPipelineMode(link.pointer) == 1 else {
                return fail(link)
            }
            let version = Int(PQserverVersion(link.pointer))
            finish(.success((link, PQbackendPID(link.pointer), version)))
        default: fail(link)
        }
    }

    private func fail(_ link: Link) {
        if PQconnectionNeedsPassword(link.pointer) == 1 {
            return finish(.failure(PostgresError(.passwordMissing, "the server wants a password, and none was given")))
        }
        finish(.failure(.ofRefusedConnection(String(cString: PQerrorMessage(link.pointer)))))
    }
}

extension Duration {
    var dispatchInterval: DispatchTimeInterval {
        let (seconds, attoseconds) = components
        return .nanoseconds(Int(clamping: seconds.clampedNanoseconds + attoseconds / 1_000_000_000))
    }
}

extension Int64 {
    /// As a number of seconds; at most some 200 years.
    fileprivate var clampedNanoseconds: Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? (self < 0 ? 0 : Int64.max / 2) : product
    }
}
