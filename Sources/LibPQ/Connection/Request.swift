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
        /// A `Parse` under this name.
        case preparation(name: String)
        /// A statement, and its name where it is prepared.
        case statement(name: String?)
    }

    let id: Int
    let work: Work
    let deadline: DispatchTime
    /// Absent once the caller has its answer, and where there is no caller.
    private var continuation: CheckedContinuation<Result<[PostgresRows], PostgresError>, Never>?
    var expected: ArraySlice<Expected> = []
    var rows: [PostgresRows] = []
    var error: PostgresError?
    /// The caller's task was cancelled. The answer is read and thrown away.
    private(set) var isAbandoned = false

    init(
        id: Int, work: Work, deadline: DispatchTime,
        continuation: CheckedContinuation<Result<[PostgresRows], PostgresError>, Never>?
    ) {
        self.id = id
        self.work = work
        self.deadline = deadline
        self.continuation = continuation
    }

    /// Whether somebody waits for the answer.
    var hasCaller: Bool { continuation != nil }

    /// Whether there is one answer for each statement, or an error.
    var isFullyAnswered: Bool {
        guard case .statements(let statements) = work, error == nil else { return true }
        return expected.isEmpty && rows.count == statements.count
    }

    /// Answers the caller, once.
    private func finish(_ result: Result<[PostgresRows], PostgresError>) {
        continuation?.resume(returning: result)
        continuation = nil
    }

    /// Answers the caller with what has come together.
    func finish() {
        finish(error.map { .failure($0) } ?? .success(rows))
    }

    /// Answers the caller at once: who cancels wants to end, and the server may take long.
    func abandon() {
        isAbandoned = true
        lose(PostgresError(.cancelled, "the answer was not waited for"))
    }

    func lose(_ error: PostgresError) {
        finish(.failure(self.error ?? error))
    }
}
