import Synchronization

@testable import ChatSync

// The Market's host, as if this business were the only one that asks it.
extension World {
    func take(_ report: HostReport, _ moment: Moment) {
        let change = hostCircuit.take(report, from: 1, now: moment, random: draw)
        if let change { hostIs(change == .away ? .away : .reachable) }
        if let wakeAt = hostCircuit.wakeAt { push(.hostProbe, at: wakeAt.sinceStart / .seconds(1) + 1e-6) }
    }

    func letOneProbe() {
        let chosen = hostCircuit.letOneProbe(now: Moment(sinceStart: .seconds(now)), random: draw)
        if chosen != nil { hostIs(.probing) }
    }

    private func hostIs(_ state: HostState) {
        push(.machine(.host(state), session: -1, process: process), at: now + 0.001)
    }
}

/// Chance for the machine.
final class Draws: Sendable {
    private let random: Mutex<SeededRandom>

    init(seed: UInt64) {
        random = Mutex(SeededRandom(seed: seed))
    }

    func next() -> Double { random.withLock { $0.unit() } }
}
