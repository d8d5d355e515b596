import CLibpq
import Dispatch
import Synchronization

/// A connection to PostgreSQL, on libpq, without a blocked thread: the socket's readiness drives it.
///
/// Any number of tasks may call at once. Requests are sent in the order of the calls, without waiting for each other's
/// answers (libpq's pipeline mode), and fail without harm to their neighbours. Call ``close()`` in the end.
///
/// When the calling task is cancelled, a call ends at once. The server is asked to stop where that harms no neighbour; the
/// connection stays usable, unless the late answer is not there at the request's deadline.
public final actor PostgresConnection {
    /// The server process, as libpq knows it. Behind a pooler it may be another one.
    public nonisolated let backendPID: Int32
    /// Major × 10,000 + minor, such as 150018.
    public nonisolated let serverVersion: Int
    /// For messages: `role@host/database`, as configured.
    public nonisolated let place: String
    /// What `LISTEN` hears. Ends when the connection does. The newest 10,000 are kept until somebody reads them; for one
    /// consumer.
    public nonisolated let notifications: AsyncStream<PostgresNotification>

    let executor: QueueExecutor
    let socket: ConnectionSocket
    var requests = RequestQueue()
    var statements = StatementCache()
    private let notify: AsyncStream<PostgresNotification>.Continuation
    private let queryTimeout: Duration
    private let timer: DeadlineTimer
    private var lastID = 0
    /// Why nothing can be sent any more.
    private var end: PostgresError?

    /// The queue on which libpq is used.
    public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

    init(
        executor: QueueExecutor, socket: ConnectionSocket, backendPID: Int32, serverVersion: Int, place: String,
        queryTimeout: Duration
    ) {
        self.executor = executor
        self.socket = socket
        self.backendPID = backendPID
        self.serverVersion = serverVersion
        self.place = place
        self.queryTimeout = queryTimeout
        timer = DeadlineTimer(queue: executor.queue)
        (notifications, notify) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    }

    deinit {
        notify.finish()
        let socket = socket
        executor.queue.async { socket.close() }
    }

    func start() {
        let isWatched = socket.watch(
            readable: { [weak self] in self?.assumeIsolated { $0.socketIsReadable() } },
            writable: { [weak self] in self?.assumeIsolated { $0.flush() } })
        timer.start { [weak self] in self?.assumeIsolated { $0.lookAtDeadlines() } }
        if !isWatched { lose(PostgresError(.connectionLost, "too many open files")) }
    }

    // MARK: Calls

    /// Runs one statement in a transaction of its own.
    ///
    /// - Parameters:
    ///   - statement: one, with its values.
    ///   - timeout: ``PostgresConfiguration/queryTimeout`` where `nil`.
    public func query(
        _ statement: PostgresStatement, timeout: Duration? = nil
    ) async throws(PostgresError) -> PostgresRows {
        try await run(.statements([statement]), timeout: timeout)[0]
    }

    /// Runs statements in one round trip and one transaction: all of them, or none.
    ///
    /// - Returns: one result for each statement.
    public func pipeline(
        _ statements: [PostgresStatement], timeout: Duration? = nil
    ) async throws(PostgresError) -> [PostgresRows] {
        statements.isEmpty ? [] : try await run(.statements(statements), timeout: timeout)
    }

    /// Runs a text of any number of statements, without parameters: for migrations. All requests before it are answered
    /// first.
    public func execute(script: String, timeout: Duration? = nil) async throws(PostgresError) {
        _ = try await run(.script(script), timeout: timeout)
    }

    /// Ends the connection. Requests that are not answered fail. Safe to call twice.
    public func close() {
        lose(PostgresError(.connectionLost, "the connection was closed"))
    }

    func nextID() -> Int {
        lastID += 1
        return lastID
    }

    private func run(_ work: Request.Work, timeout: Duration?) async throws(PostgresError) -> [PostgresRows] {
        let id = nextID()
        let deadline = DispatchTime.now() + (timeout ?? queryTimeout).dispatchInterval
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let request = Request(id: id, work: work, deadline: deadline, continuation: continuation)
                if let end { return request.lose(end) }
                if Task.isCancelled { return request.lose(PostgresError(.cancelled, "not sent")) }
                requests.add(request)
                send()
                timer.watch(deadline)
            }
        } onCancel: {
            executor.queue.async { self.assumeIsolated { $0.cancel(id) } }
        }
        return try result.get()
    }

    // MARK: Ends

    /// The connection is of no more use: all that wait are told, and libpq's socket is closed.
    func lose(_ error: PostgresError) {
        guard end == nil else { return }
        let error = error.at(place)
        end = PostgresError(.connectionLost, error.message)
        for request in requests.removeAll() { request.lose(error) }
        notify.finish()
        socket.close()
    }

    /// The connection broke, says libpq.
    func loseBroken() {
        lose(PostgresError(.connectionLost, String(cString: PQerrorMessage(socket.pointer)).trimmed))
    }

    var isOpen: Bool { end == nil }

    func passOn(_ notification: PostgresNotification) {
        notify.yield(notification)
    }

    private func lookAtDeadlines() {
        timer.fired()
        guard let earliest = requests.earliestDeadline else { return }
        if earliest <= .now() {
            lose(PostgresError(.queryTimedOut, "no answer in time; the connection was closed"))
        } else {
            timer.watch(earliest)
        }
    }
}
