import Dispatch

/// The requests of a connection: those that wait, and those that were sent and are answered in that order.
struct RequestQueue {
    private(set) var waiting: ArraySlice<Request> = []
    private(set) var sent: ArraySlice<Request> = []
    private var cancellation: Cancellation?

    /// The server was asked to stop what it does.
    private struct Cancellation {
        /// The request that is meant.
        var requestID: Int
        /// Whether the question has arrived.
        var hasArrived = false
    }

    mutating func add(_ request: Request) {
        waiting.append(request)
    }

    /// The next request that can be sent now. A script goes alone; all else goes at once. While a cancellation is on its
    /// way nothing goes: it hits what the server does when it arrives, whatever was meant.
    mutating func takeForSending() -> Request? {
        guard cancellation == nil, let next = waiting.first else { return nil }
        switch (next.work, sent.last?.work) {
        case (.script, .some), (.statements, .script): return nil
        default: break
        }
        waiting.removeFirst()
        sent.append(next)
        return next
    }

    /// A request that went past those that wait.
    mutating func addSent(_ request: Request) {
        sent.append(request)
    }

    /// The request that the server answers now.
    var current: Request? { sent.first }

    mutating func currentIsDone() {
        sent.removeFirst()
        endCancellation()
    }

    /// Takes away a request that was not sent. Returns `nil` where it was, or is unknown.
    mutating func removeWaiting(_ id: Int) -> Request? {
        waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0) }
    }

    var earliestDeadline: DispatchTime? { (sent + waiting).map(\.deadline).min() }

    mutating func removeAll() -> [Request] {
        defer { (waiting, sent, cancellation) = ([], [], nil) }
        return Array(sent + waiting)
    }

    // MARK: Cancellation

    /// Whether the server works for cancelled callers alone, so that stopping it harms nobody.
    var isAbandoned: Bool { sent.contains(where: \.isAbandoned) && !sent.contains(where: \.hasCaller) }

    /// The current request is to be stopped.
    ///
    /// - Returns: false where there is none, or a cancellation is on its way already.
    mutating func beginCancellation() -> Bool {
        guard cancellation == nil, let current else { return false }
        cancellation = Cancellation(requestID: current.id)
        return true
    }

    /// - Returns: the request that it was meant for, where that is not answered yet.
    mutating func cancellationArrived() -> Int? {
        cancellation?.hasArrived = true
        endCancellation()
        return cancellation?.requestID
    }

    /// The same again.
    ///
    /// - Returns: false where the request is answered.
    mutating func repeatCancellation(of id: Int) -> Bool {
        guard cancellation?.requestID == id else { return false }
        cancellation?.hasArrived = false
        return true
    }

    /// It is over when it can hit nothing any more: it has arrived, and the request that it was meant for is answered.
    private mutating func endCancellation() {
        guard let cancellation, cancellation.hasArrived else { return }
        if !sent.contains(where: { $0.id == cancellation.requestID }) { self.cancellation = nil }
    }
}
