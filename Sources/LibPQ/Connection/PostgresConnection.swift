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
    /// What `LISTEN` hears. Ends when the connection does. The newest 10,000 are kept until somebody reads them; for one
    /// consumer.
    public nonisolated let notifications: AsyncStream<PostgresNotification>

    let executor: QueueExecutor
    let link: Link
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

    private init(
        executor: QueueExecutor, link: Link, backendPID: Int32, serverVersion: Int, queryTimeout: Duration
    ) {
        self.executor = executor
        self.link = link
        self.backendPID = backendPID
        self.serverVersion = serverVersion
        self.queryTimeout = queryTimeout
        timer = DeadlineTimer(queue: executor.queue)
        (notifications, notify) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    }

    deinit {
        notify.finish()
        let link = link
        executor.queue.async { link.close() }
    }

    /// Opens a connection.
    ///
    /// Name resolution is libpq's and blocks the connection's own queue, never a thread of Swift's pool; the deadline
    /// holds all the same.
    ///
    /// - Throws: ``PostgresError`` of the kind `connectFailed` (with `server` where the server refused),
    ///   `connectTimedOut`, `misuse` (an unreadable connection string) or `cancelled`.
    public static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        let connection = try await openOne(of: configuration)
        await connection.start()
        return connection
    }

    /// The first server that takes us.
    private static func openOne(
        of configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        if let flaw = configuration.flaw { throw flaw }
        let servers = Servers(of: configuration)
        let start = DispatchTime.now()
        var errors: [PostgresError] = []
        for (index, var server) in servers.configurations.enumerated() {
            let elapsed = Duration.nanoseconds(DispatchTime.now().uptimeNanoseconds - start.uptimeNanoseconds)
            server.connectTimeout = servers.limit(of: index, elapsed: elapsed)
            // A queue for each: name resolution may still block the one before.
            let executor = QueueExecutor(label: "postgres")
            switch await ConnectAttempt(queue: executor.queue).run(server) {
            case .success((let link, let pid, let version)):
                return PostgresConnection(
                    executor: executor, link: link, backendPID: pid, serverVersion: version,
                    queryTimeout: configuration.queryTimeout)
            case .failure(let error) where error.kind == .cancelled: throw error
            case .failure(let error): errors.append(error)
            }
        }
        throw Servers.worst(of: errors)
    }

    private func start() {
        let isWatched = link.watch(
            readable: { [weak self] in self?.assumeIsolated { $0.socketIsReadable() } },
            writable: { [weak self] in self?.assumeIsolated { $0.flush() } })
        timer.start { [weak self] in self?.assumeIsolated { $0.lookAtDeadlines() } }
        if !isWatched { lose(PostgresError(.connectionLost, "too many open files")) }
    }

    // MARK: Calls

    /// Runs one statement in a transaction of its own.
    ///
    /// - Parameter timeout: ``PostgresConfiguration/queryTimeout`` where `nil`.
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

    /// Asks the server to stop what it runs for this connection; the request fails with SQLSTATE 57014. Until that is over,
    /// nothing else is sent.
    public func cancelAll() {
        if !requests.sent.isEmpty { askToCancel() }
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
        end = PostgresError(.connectionLost, error.message)
        for request in requests.removeAll() { request.lose(error) }
        notify.finish()
        link.close()
    }

    /// The connection broke, says libpq.
    func loseBroken() {
        lose(PostgresError(.connectionLost, String(cString: PQerrorMessage(link.pointer)).trimmed))
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

/// What `NOTIFY` sent.
public struct PostgresNotification: Sendable, Equatable {
    public var channel: String
    public var payload: String
    /// The server process that sent it.
    public var backendPID: Int32
}
