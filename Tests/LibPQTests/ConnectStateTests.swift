import TestSupport
import Testing

@testable import LibPQ

/// A try to connect is answered once, and its socket has one owner, whoever comes first.
@Suite(.concurrencyLimited) struct ConnectStateTests {
    /// What happens on one thread, in order.
    private enum Event: CaseIterable {
        case waits, begins, connects, fails, timesOut, isCancelled
    }

    /// What came of it.
    private struct Outcome {
        var answers = 0
        var handedOver = 0
        var closed = 0
    }

    private static func step(_ event: Event, _ state: inout ConnectState<Int, Int>) -> ConnectState<Int, Int>.Action {
        let error = PostgresError(.connectTimedOut, "")
        return switch event {
        case .waits: state.wait(1)
        case .begins: state.began(with: 2)
        case .connects: state.connected()
        case .fails, .timesOut, .isCancelled: state.giveUp(error)
        }
    }

    /// All orders in which the threads' events can come.
    private static func interleavings(_ threads: [[Event]]) -> [[Event]] {
        if threads.allSatisfy(\.isEmpty) { return [[]] }
        return threads.indices.filter { !threads[$0].isEmpty }.flatMap { index -> [[Event]] in
            var rest = threads
            let event = rest[index].removeFirst()
            return interleavings(rest).map { [event] + $0 }
        }
    }

    @Test func everyOrderOfEventsAnswersOnceAndLeavesTheSocketOneOwner() {
        for last in [Event.connects, .fails] {
            for events in Self.interleavings([[.waits, .begins, last], [.timesOut], [.isCancelled]]) {
                // The deadline begins with the waiting.
                guard events.firstIndex(of: .timesOut)! > events.firstIndex(of: .waits)! else { continue }
                var state = ConnectState<Int, Int>.new
                var outcome = Outcome()
                for event in events {
                    switch Self.step(event, &state) {
                    case .nothing: break
                    case .handOver:
                        outcome.answers += 1
                        outcome.handedOver += 1
                    case .refuse(_, _, let socket):
                        outcome.answers += 1
                        if socket != nil { outcome.closed += 1 }
                    case .close: outcome.closed += 1
                    }
                }
                #expect(outcome.answers == 1, "\(events)")
                #expect(outcome.handedOver + outcome.closed == 1, "\(events)")
                #expect(!state.isAwaited, "\(events)")
            }
        }
    }

    /// Connections that come about just when their time is up are good, or are none.
    @Test func aConnectionThatIsHandedOverStaysOpen() async throws {
        let server = FakeServer {
            FakeServer.parsed + FakeServer.bound + FakeServer.description([], type: 0)
                + FakeServer.completed("SELECT 1")
                + FakeServer.ready
        }
        defer { server.stop() }
        var (good, late) = (0, 0)
        // As long as a connection takes at the moment, which is found by trying.
        var limit = Duration.milliseconds(2)
        for _ in 0..<60 {
            let errors = await withTaskGroup(of: PostgresError?.self) { group in
                for _ in 0..<8 {
                    group.addTask { [limit] in await Self.use(server, within: limit) }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            for error in errors { #expect(error == nil || error?.kind == .connectTimedOut) }
            good += errors.count { $0 == nil }
            late += errors.count { $0 != nil }
            limit = errors.contains { $0 == nil } ? limit * 9 / 10 : limit * 11 / 10
        }
        #expect(good > 0 && late > 0)
    }

    private static func use(_ server: FakeServer, within limit: Duration) async -> PostgresError? {
        await failure { () async throws(PostgresError) in
            let connection = try await server.connect(within: limit, queryTimeout: .seconds(20))
            _ = try await connection.query(PostgresStatement("SELECT 1"))
            await connection.close()
        }
    }
}
