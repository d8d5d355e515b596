import ChatOutbox
import ChatSync
import Logging
import ServiceLifecycle
import Synchronization

/// Looks after rows of cabinets that nobody is told to serve: a mistyped id, or a cabinet that was taken off the list. They
/// would wait for ever, and in silence.
final class UnlistedRowsService: Service {
    private static let period = Duration.seconds(60)
    /// Until the session stands, a look would only find the database away once more.
    private static let first = Duration.seconds(5)
    /// Cabinets that one warning names.
    private static let namesShown = 10

    private let mayStart: Latch
    private let logger: Logger
    private let clock: EngineClock
    private let look: @Sendable () async throws(OutboxError) -> [UnlistedBusiness]
    private let found = Mutex<[UnlistedBusiness]>([])

    /// - Parameter look: ``PostgresOutbox/unlistedBusinesses(besides:atMost:)``.
    init(
        mayStart: Latch, logger: Logger, clock: EngineClock = .continuous,
        look: @escaping @Sendable () async throws(OutboxError) -> [UnlistedBusiness]
    ) {
        self.mayStart = mayStart
        self.logger = logger
        self.clock = clock
        self.look = look
    }

    /// As of the last look.
    var unlisted: [UnlistedBusiness] { found.withLock { $0 } }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            await self.mayStart.wait()
            var pause = Self.first
            var seen: Set<Int64> = []
            var warned: Set<Int64> = []
            while !Task.isCancelled {
                await self.clock.sleep(until: self.clock.now + pause)
                guard !Task.isCancelled else { return }
                pause = Self.period
                // Where the database is away, others say so.
                guard let ownerless = try? await self.look() else { continue }
                // An instance that is just being started again is not there for a moment.
                let alone = ownerless.filter { seen.contains($0.businessID) }
                if alone.count < ownerless.count { pause = Self.first }
                seen = Set(ownerless.map(\.businessID))
                self.found.withLock { $0 = alone }
                self.warn(of: alone.filter { !warned.contains($0.businessID) })
                warned = Set(alone.map(\.businessID))
            }
        }
    }

    private func warn(of new: [UnlistedBusiness]) {
        guard !new.isEmpty else { return }
        let names = new.prefix(Self.namesShown).map { "\($0.businessID) (\($0.rows) rows)" }.joined(separator: ", ")
        let more = new.count > Self.namesShown ? ", …" : ""
        logger.warning(
            """
            Rows wait for cabinets that MARKET_BUSINESS_IDS does not name: add them to it and restart, or start the \
            instance that serves them
            """,
            metadata: ["businesses": "\(names)\(more)"])
    }
}
