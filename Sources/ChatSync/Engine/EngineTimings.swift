import Glibc
import MarketAPI
import Synchronization

/// How long things took, counted by size: for quantiles that a monitoring system works out.
public struct DurationHistogram: Sendable, Equatable {
    /// Upper bounds in seconds, each included; a last one without a bound follows.
    public static let bounds: [Double] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400,
    ]
    /// How many were up to each bound and above the one before it.
    public private(set) var counts = Array(repeating: 0, count: Self.bounds.count + 1)
    /// In seconds.
    public private(set) var sum = 0.0

    public init() {}

    /// - Parameter seconds: what is negative counts as 0.
    public mutating func add(seconds: Double) {
        let seconds = max(seconds, 0)
        counts[Self.bounds.firstIndex { seconds <= $0 } ?? Self.bounds.count] += 1
        sum += seconds
    }
}

/// What the engine measures of itself, all businesses together.
public struct EngineTimings: Sendable, Equatable {
    /// From the moment that a row was due to its chat ID in the table. By this host's clock and the database's, so a
    /// difference between the two shows in it.
    public var dueToSettled = DurationHistogram()
    /// One exchange with the Market, whatever came of it.
    public var request = DurationHistogram()
    /// One transaction that writes results.
    public var settlement = DurationHistogram()

    public init() {}
}

/// Where all parts of one engine count.
final class TimingRecorder: Sendable {
    private let timings = Mutex(EngineTimings())

    var current: EngineTimings { timings.withLock { $0 } }

    func add(_ duration: Duration, to histogram: any WritableKeyPath<EngineTimings, DurationHistogram> & Sendable) {
        timings.withLock { $0[keyPath: histogram].add(seconds: duration / .seconds(1)) }
    }
}

/// Measures each exchange.
struct TimedMarketClient<Base: MarketClient>: MarketClient {
    let base: Base
    let clock: EngineClock
    let timings: TimingRecorder

    func createChat(_ request: CreateChatRequest) async -> MarketReply<CreatedChat> {
        let start = clock.now
        let reply = await base.createChat(request)
        timings.add(clock.now - start, to: \.request)
        return reply
    }

    func keyInfo(businessID: Int64) async -> MarketReply<APIKeyInfo> { await base.keyInfo(businessID: businessID) }

    func campaigns(businessID: Int64, pageToken: String?) async -> MarketReply<CampaignPage> {
        await base.campaigns(businessID: businessID, pageToken: pageToken)
    }
}

/// The time of day, as PostgreSQL counts it: microseconds since 2000-01-01T00:00Z.
func microsecondsSince2000() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return (Int64(time.tv_sec) - 946_684_800) * 1_000_000 + Int64(time.tv_nsec) / 1000
}
