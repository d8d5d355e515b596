/// Runs what takes its time beside those that started it: requests, statements, waits. All of it ends with the engine.
struct JobRunner: Sendable {
    typealias Job = @Sendable () async -> Void

    private let jobs: AsyncStream<Job>
    private let starter: AsyncStream<Job>.Continuation

    init() {
        (jobs, starter) = AsyncStream.makeStream()
    }

    func start(_ job: @escaping Job) {
        starter.yield(job)
    }

    /// Runs jobs until the task is cancelled, and cancels them then.
    func run() async {
        await withDiscardingTaskGroup { group in
            for await job in jobs { group.addTask { await job() } }
            group.cancelAll()
        }
    }
}
