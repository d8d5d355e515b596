import Dispatch

/// One timer for many deadlines: it fires at the earliest it was told of.
///
/// To be used on its queue alone.
final class DeadlineTimer {
    private let source: any DispatchSourceTimer
    /// When it will fire.
    private var moment = DispatchTime.distantFuture

    init(queue: DispatchQueue) {
        source = DispatchSource.makeTimerSource(queue: queue)
        source.schedule(deadline: .distantFuture)
        // A source that never ran cannot be released, and one without a handler is complained about.
        source.setEventHandler {}
        source.activate()
    }

    deinit {
        source.cancel()
    }

    /// - Parameter body: is called at a deadline or, rarely, before it.
    func start(_ body: @escaping @Sendable () -> Void) {
        source.setEventHandler(handler: body)
    }

    /// Fires at `deadline`, unless it is to fire sooner.
    func watch(_ deadline: DispatchTime) {
        guard deadline < moment else { return }
        moment = deadline
        source.schedule(deadline: deadline)
    }

    /// It has fired; from now on only what it is told of again counts.
    func fired() {
        moment = .distantFuture
    }
}
