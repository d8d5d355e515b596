import Dispatch

/// What one caller asked for: it is sent as a whole, ended by a sync, and answered once.
final class Request {
    enum Work {
        /// One implicit transaction.
        case statements([PostgresStatement])
        /// The simple protocol: any number of statements in one text.
        case script(String)
    }

    /// What the server answers to, in order.
    enum Expected {
        /// A `Parse` of this text.
        case preparation(of: String)
        case statement
        case nothingOfInterest
    }

    let id: Int
    let work: Work
    let deadline: DispatchTime
    /// Absent once the caller has its answer.
    var continuation: CheckedContinuation<Result<[PostgresRows], PostgresError>, Never>?
    var expected: ArraySlice<Expected> = []
    var rows: [PostgresRows] = []
    var error: PostgresError?
    /// The caller's task was cancelled, and the server was asked to stop.
    var isCancelled = false

    init(
        id: Int, work: Work, deadline: DispatchTime,
        continuation: CheckedContinuation<Result<[PostgresRows], PostgresError>, Never>
    ) {
        self.id = id
        self.work = work
        self.deadline = deadline
        self.continuation = continuation
    }

    /// Answers the caller, once.
    func finish(_ result: Result<[PostgresRows], PostgresError>) {
        continuation?.resume(returning: result)
        continuation = nil
    }

    /// Answers the caller with what has come together.
    func finish() {
        if isCancelled, error?.sqlState == .queryCanceled {
            finish(.failure(PostgresError(.cancelled, "the statement was cancelled")))
        } else {
            finish(error.map { .failure($0) } ?? .success(rows))
        }
    }

    func lose(_ error: PostgresError) {
        finish(.failure(self.error ?? error))
    }
}

/// The requests of a connection: those that wait, and those that were sent and are answered in that order.
struct RequestQueue {
    private(set) var waiting: ArraySlice<Request> = []
    private(set) var sent: ArraySlice<Request> = []

    mutating func add(_ request: Request) {
        waiting.append(request)
    }

    /// The next request that can be sent now. A script goes alone; all else goes at once.
    mutating func takeForSending() -> Request? {
        guard let next = waiting.first else { return nil }
        switch (next.work, sent.last?.work) {
        case (.script, .some), (.statements, .script): return nil
        default: break
        }
        waiting.removeFirst()
        sent.append(next)
        return next
    }

    /// The request that the server answers now.
    var current: Request? { sent.first }

    mutating func currentIsDone() {
        sent.removeFirst()
    }

    /// Takes away a request that was not sent. Returns `nil` where it was, or is unknown.
    mutating func removeWaiting(_ id: Int) -> Request? {
        waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0) }
    }

    var earliestDeadline: DispatchTime? { (sent + waiting).map(\.deadline).min() }

    mutating func removeAll() -> [Request] {
        defer { (waiting, sent) = ([], []) }
        return Array(sent + waiting)
    }
}
