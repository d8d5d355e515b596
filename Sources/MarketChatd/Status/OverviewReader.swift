import ChatOutbox
import ChatSync
import MarketAPI
import ServiceLifecycle
import Synchronization

/// Reads the database's part of the status for whoever looks: only when somebody looks, seldom, one at a time, and within
/// a deadline. Nobody waits for a database that did not answer last time.
final class OverviewReader: Service {
    /// What is younger is told as it is. After a failure, too, the next try comes no sooner.
    static let freshFor = Duration.seconds(10)
    /// A read may take no larger part of the time than this: where the outbox is large, it is read more seldom.
    static let busyShare = 20
    /// For a session and its answers.
    static let deadline = Duration.seconds(8)
    /// Whoever looks waits so long at most.
    static let patience = Duration.seconds(1)

    private struct State {
        var overview: OutboxOverview?
        var readAt: Moment?
        var problem: String?
        /// When the last read ended, and how long it took.
        var endedAt: Moment?
        var took = Duration.zero
        /// Opened when somebody wants to know.
        var wish = Latch()
        /// Opened when the next read ends.
        var answer = Latch()
    }

    private let read: @Sendable () async throws(OperatorError) -> OutboxOverview
    private let clock: EngineClock
    private let state = Mutex(State())

    /// - Parameter read: on a session of its own; ended by cancelling its task.
    init(
        clock: EngineClock = .continuous, read: @escaping @Sendable () async throws(OperatorError) -> OutboxOverview
    ) {
        self.clock = clock
        self.read = read
    }

    /// From the database of a configuration.
    convenience init(connectionString: SecretString, businessIDs: [Int64]) {
        self.init { () async throws(OperatorError) in
            try await OperatorSession.with(connectionString.revealed(), isReadOnly: true) {
                session throws(OperatorError) in try await session.overview(of: businessIDs)
            }
        }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.state.withLock(\.wish).wait()
                guard !Task.isCancelled else { return }
                await self.readOnce()
            }
        }
    }

    /// What was read last, without any look at the database.
    var lastPart: StatusReport.DatabasePart {
        let now = clock.now
        return state.withLock { state in
            .init(overview: state.overview, age: state.readAt.map { now - $0 }, problem: state.problem)
        }
    }

    /// What was read last, after a new read where that is old.
    func part() async -> StatusReport.DatabasePart {
        let now = clock.now
        let (wish, answer, mayWait) = state.withLock { state in
            let pause = max(Self.freshFor, state.took * Self.busyShare)
            let isFresh = state.endedAt.map { now - $0 < pause } ?? false
            return (isFresh ? nil : state.wish, state.answer, state.problem == nil)
        }
        if let wish {
            wish.open()
            if mayWait {
                await firstOf {
                    await answer.wait()
                } or: {
                    await self.sleep(Self.patience)
                }
            }
        }
        return lastPart
    }

    private func readOnce() async {
        let start = clock.now
        let result = await withTaskGroup(of: Result<OutboxOverview, OperatorError>?.self) { group in
            group.addTask {
                do throws(OperatorError) {
                    return .success(try await self.read())
                } catch {
                    return .failure(error)
                }
            }
            group.addTask {
                await self.sleep(Self.deadline)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next() ?? nil
        }
        let end = clock.now
        let answer = state.withLock { state in
            (state.endedAt, state.took) = (end, end - start)
            switch result {
            case .success(let overview):
                (state.overview, state.readAt, state.problem) = (overview, start, nil)
            case .failure(let error): state.problem = error.text
            case nil: state.problem = "it did not answer within \(DurationText.exact(Self.deadline))"
            }
            state.wish = Latch()
            defer { state.answer = Latch() }
            return state.answer
        }
        answer.open()
    }

    private func sleep(_ duration: Duration) async {
        await clock.sleep(until: clock.now + duration)
    }

    private func firstOf(
        _ one: @escaping @Sendable () async -> Void, or other: @escaping @Sendable () async -> Void
    ) async {
        await withTaskGroup { group in
            group.addTask { await one() }
            group.addTask { await other() }
            await group.next()
            group.cancelAll()
        }
    }
}
