import Glibc
import Harness
import LibPQ
import MarketSandbox
import Testing

extension Benchmarks {
    /// From the owner's death in mid-load to the standby's first request. Each instance has a Market of its own, which
    /// tells whose a request is.
    @Test func takeover() async throws {
        let rounds = 20
        try await Benchmark.withDatabase { database in
            var options = Benchmark.market
            options.latency = .milliseconds(5)
            try await withSandbox(options) { first in
                try await withSandbox(options) { second in
                    let sandboxes = [first, second]
                    let daemons = sandboxes.map { RestartingDaemon(Benchmark.settings(database, $0)) }
                    var times = Times()
                    let endings = try await whileRestarting(daemons) {
                        for round in 0..<rounds {
                            try await untilThereIsAStandby(database, daemons)
                            try await database.insert((round * 300 + 1)...(round * 300 + 300))
                            let time = try await takeOver(sandboxes, daemons)
                            times.nanoseconds.append(time)
                            try await database.untilSettled()
                        }
                    }
                    #expect(endings.joined().count { $0 == .killed(by: SIGKILL) } == rounds)
                    Benchmark.tell("takeover", times.figures)
                }
            }
        }
    }

    private func untilThereIsAStandby(_ database: TestDatabase, _ daemons: [RestartingDaemon]) async throws {
        try await waitUntil("a standby waits for the owner") {
            let waiting = """
                SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND wait_event_type = 'Lock' AND wait_event = 'advisory'
                """
            guard daemons.allSatisfy({ $0.current != nil }) else { return false }
            return try await database.number(waiting) == 1
        }
    }

    private func takeOver(_ sandboxes: [MarketSandboxServer], _ daemons: [RestartingDaemon]) async throws -> Int64 {
        let before = sandboxes.map { requests($0) }
        var owner: Int?
        try await waitUntil("the owner is in mid-load", every: .milliseconds(1)) {
            owner = sandboxes.indices.first { requests(sandboxes[$0]) >= before[$0] + 30 }
            return owner != nil
        }
        let (victim, heir) = (try #require(owner), 1 - (try #require(owner)))
        #expect(requests(sandboxes[heir]) == before[heir])
        let killed = SandboxMoment.monotonicNow()
        daemons[victim].kill()
        var arrival: UInt64?
        try await waitUntil("the standby sends", every: .milliseconds(1)) {
            let business = sandboxes[heir].state(withContexts: false).businesses.first
            arrival = business?.lastArrivals.first { $0 > killed }
            return arrival != nil
        }
        return Int64(try #require(arrival)) - Int64(killed)
    }

    private func requests(_ sandbox: MarketSandboxServer) -> Int { sandbox.state(withContexts: false).requests }
}
