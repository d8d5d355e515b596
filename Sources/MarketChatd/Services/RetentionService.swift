import ChatOutbox
import ChatSync
import Logging
import ServiceLifecycle

/// Deletes rows that were settled long ago, in small batches, so that no transaction is long.
struct RetentionService: Service {
    /// Rows of one transaction.
    static let batch = 500
    /// Between two batches, and where there is nothing more to delete.
    static let pause = Duration.milliseconds(200)
    static let period = Duration.seconds(600)

    let outbox: PostgresOutbox
    /// Since a row was settled.
    let age: Duration
    let mayStart: Latch
    let logger: Logger
    var clock = EngineClock.continuous

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await mayStart.wait()
            var walk = RetentionWalk()
            while !Task.isCancelled {
                walk = await deleteSome(walk)
                await clock.sleep(until: clock.now + (walk.isOver ? Self.period : Self.pause))
                if walk.isOver { walk = RetentionWalk() }
            }
        }
    }

    /// - Returns: where this step ended.
    private func deleteSome(_ walk: RetentionWalk) async -> RetentionWalk {
        do {
            let next = try await outbox.deleteSettled(olderThan: age, walk, limit: Self.batch)
            if next.deleted > 0 {
                logger.info(
                    "Old rows deleted",
                    metadata: ["rows": "\(next.deleted)", "older.than": "\(DurationText.exact(age))"])
            }
            return next
        } catch {
            guard !Task.isCancelled else { return .over }
            logger.warning(
                "Old rows cannot be deleted now; tried again later", metadata: ["error.message": "\(error.text)"])
            return .over
        }
    }
}
