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
            while !Task.isCancelled {
                let isDone = await deleteSome()
                await clock.sleep(until: clock.now + (isDone ? Self.period : Self.pause))
            }
        }
    }

    /// - Returns: whether there is no more to delete for now.
    private func deleteSome() async -> Bool {
        do {
            let count = try await outbox.deleteSettled(olderThan: age, limit: Self.batch)
            if count > 0 {
                logger.info(
                    "Old rows deleted", metadata: ["rows": "\(count)", "older.than": "\(DurationText.exact(age))"])
            }
            return count < Self.batch
        } catch {
            guard !Task.isCancelled else { return true }
            logger.warning(
                "Old rows cannot be deleted now; tried again later", metadata: ["error.message": "\(error.text)"])
            return true
        }
    }
}
