import MarketAPI
import Synchronization

/// A clock that stands still but for the sleeps, which pass at once.
final class SimulatedClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private let offset = Mutex(Duration.zero)
    private let slept = Mutex<[Duration]>([])
    private let onSleep: @Sendable () throws -> Void

    /// - Parameter onSleep: runs in every sleep; what it throws ends the sleep.
    init(onSleep: @escaping @Sendable () throws -> Void = {}) {
        self.onSleep = onSleep
    }

    var now: Instant { Instant(offset: offset.withLock { $0 }) }
    var minimumResolution: Duration { .nanoseconds(1) }
    var sleeps: [Duration] { slept.withLock { $0 } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        slept.withLock { $0.append(now.duration(to: deadline)) }
        try onSleep()
        offset.withLock { $0 = max($0, deadline.offset) }
    }

    func pass(_ duration: Duration) {
        offset.withLock { $0 += duration }
    }
}

/// A Market that answers from a list, and takes time for it on a simulated clock.
final class ScriptedMarket: MarketClient {
    private let answers: Mutex<[MarketReply<CreatedChat>]>
    private let clock: SimulatedClock
    private let exchangeTakes: Duration
    private let count = Mutex(0)

    init(_ replies: [MarketReply<CreatedChat>], clock: SimulatedClock, exchangeTakes: Duration = .zero) {
        self.answers = Mutex(replies)
        self.clock = clock
        self.exchangeTakes = exchangeTakes
    }

    var exchanges: Int { count.withLock { $0 } }

    func createChat(_ request: CreateChatRequest) async -> MarketReply<CreatedChat> {
        next()
    }

    func keyInfo(businessID: Int64) async -> MarketReply<APIKeyInfo> {
        converted { _ in APIKeyInfo(name: nil, scopes: []) }
    }

    func campaigns(businessID: Int64, pageToken: String?) async -> MarketReply<CampaignPage> {
        converted { _ in CampaignPage(campaigns: [], nextPageToken: pageToken) }
    }

    private func next() -> MarketReply<CreatedChat> {
        count.withLock { $0 += 1 }
        clock.pass(exchangeTakes)
        return answers.withLock { $0.isEmpty ? MarketReply(answer: .failed(.bodyTooLarge)) : $0.removeFirst() }
    }

    private func converted<Value>(_ convert: (CreatedChat) -> Value) -> MarketReply<Value> {
        let reply = next()
        let answer: MarketAnswer<Value> =
            switch reply.answer {
            case .ok(let chat): .ok(convert(chat))
            case .malformed(let status, let reason): .malformed(status: status, reason: reason)
            case .httpError(let status, let problem): .httpError(status: status, problem: problem)
            case .failed(let failure): .failed(failure)
            }
        return MarketReply(answer: answer, tries: reply.tries)
    }
}
