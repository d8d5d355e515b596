import TestSupport
import Testing

@testable import ChatSync

/// When a circuit opens and closes, and when its probes go.
@Suite(.concurrencyLimited) struct CircuitBreakerTests {
    private func opened(at now: Moment = .at(0)) -> CircuitBreaker {
        var circuit = CircuitBreaker()
        for _ in 0..<5 { circuit.failed(wasProbe: false, now: now, random: 0) }
        return circuit
    }

    @Test func fiveFailuresInARowOpenIt() {
        var circuit = CircuitBreaker()
        for _ in 0..<4 { circuit.failed(wasProbe: false, now: .at(0), random: 0) }
        circuit.succeeded(now: .at(1))
        for _ in 0..<4 { circuit.failed(wasProbe: false, now: .at(2), random: 0) }
        #expect(!circuit.isOpen, "an answer in between makes them start anew")
        circuit.failed(wasProbe: false, now: .at(2), random: 0)
        #expect(circuit.isOpen)
    }

    @Test func anAnswerClosesItAndTheNextTimeItTakesTwiceAsMany() {
        var circuit = opened()
        circuit.succeeded(now: .at(1))
        #expect(!circuit.isOpen && circuit.threshold == 10)
        for _ in 0..<9 { circuit.failed(wasProbe: false, now: .at(2), random: 0) }
        #expect(!circuit.isOpen)
        circuit.failed(wasProbe: false, now: .at(2), random: 0)
        #expect(circuit.isOpen)
        circuit.succeeded(now: .at(3))
        #expect(circuit.threshold == 20)
        circuit.succeeded(now: .at(62))
        #expect(circuit.threshold == 20, "not yet as good as new")
        circuit.succeeded(now: .at(63))
        #expect(circuit.threshold == 5)
    }

    @Test func rowsThatFailedBeforeSayNothingNewWhileOthersAreAnswered() {
        var circuit = CircuitBreaker()
        circuit.succeeded(now: .at(0))
        for _ in 0..<9 { circuit.failed(wasProbe: false, isNews: false, now: .at(59), random: 0) }
        #expect(!circuit.isOpen)
        for _ in 0..<5 { circuit.failed(wasProbe: false, isNews: false, now: .at(60), random: 0) }
        #expect(circuit.isOpen, "nobody was answered for a minute")
    }

    @Test func probesBecomeRareWhereFewRowsAreDue() {
        var circuit = opened()
        var pauses: [Double] = []
        for _ in 0..<8 {
            pauses.append((circuit.nextProbe(rows: 1, hasUntested: false)! - circuit.lastProbe!) / .seconds(1))
            circuit.probed(now: .at(100), random: 0)
            circuit.failed(wasProbe: true, now: .at(101), random: 0)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60])
        #expect(circuit.lastProbe == .at(100))
        #expect(circuit.nextProbe(rows: 11, hasUntested: false) == .at(110), "five seconds and an eleventh of 55")
        #expect(circuit.nextProbe(rows: 1, hasUntested: true) == .at(105))
        circuit.recheck()
        #expect(circuit.nextProbe(rows: 1, hasUntested: false) == .at(101))
    }

    @Test func chanceTakesUpToHalfOfTheWait() {
        var circuit = opened()
        for _ in 0..<9 { circuit.failed(wasProbe: true, now: .at(1), random: 0) }
        circuit.probed(now: .at(100), random: 1)
        #expect(circuit.nextProbe(rows: 1, hasUntested: false) == .at(130))
    }
}
