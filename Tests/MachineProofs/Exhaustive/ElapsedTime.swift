import ChatOutbox
import MarketAPI

@testable import ChatSync

// In the small world it is always `Moment.zero`: where time passes, all moments come nearer by as much. What lies so far
// back that no decision asks for it any more is held at a floor, so that the number of states is finite.

extension Moment {
    static let zero = Moment(sinceStart: .zero)

    /// Further back than any decision looks, but for the order of suspects.
    static let longAgo = Duration.seconds(-100)

    mutating func elapse(_ time: Duration, floor: Duration = .zero) {
        sinceStart = max(sinceStart - time, min(floor, sinceStart))
    }
}

extension Optional<Moment> {
    mutating func elapse(_ time: Duration, floor: Duration = .zero) {
        guard var moment = self else { return }
        moment.elapse(time, floor: floor)
        self = moment
    }
}

extension BusinessMachine {
    /// Lets time pass.
    mutating func elapse(_ time: Duration) {
        timer.elapse(time)
        nextLook.elapse(time)
        conditions.elapse(time)
        view.elapse(time)
        for id in rows.entries.keys.sorted() { rows.entries[id]?.place.elapse(time) }
        for kind in ChatContext.Kind.allCases { rows.releases[kind].elapse(time) }
        normalise()
    }

    /// Takes away what no decision depends on: sums for people, and names of windows and keys that only have to differ.
    mutating func normalise() {
        counters = BusinessStatus.Counters()
        due = DueCount()
        told = nil
        let (window, key) = (conditions.pacer.windowNumber, keyNumber)
        shareWindow = shareWindow == window ? 0 : -1
        conditions.pacer.windowNumber = 0
        keyNumber = 0
        for id in rows.entries.keys.sorted() {
            switch rows.entries[id]?.place {
            case .inFlight(var flight):
                flight.window = flight.window == window ? 0 : -1
                flight.keyNumber = flight.keyNumber == key ? 0 : -1
                flight.suspicion?.normalise()
                rows.entries[id]?.place = .inFlight(flight)
            case .writing(let result, let refusals, var suspicion):
                suspicion?.normalise()
                rows.entries[id]?.place = .writing(result, refusals: min(refusals, 5), suspicion: suspicion)
            case .unwritten(let result, let refusals, let nextTry, var suspicion):
                suspicion?.normalise()
                rows.entries[id]?.place = .unwritten(
                    result, refusals: min(refusals, 5), nextTry: nextTry, suspicion: suspicion)
            case .suspect(var suspicion):
                suspicion.normalise()
                rows.entries[id]?.place = .suspect(suspicion)
            case .fresh, .again, nil: break
            }
        }
        conditions.pacer.normalise()
        for kind in ChatContext.Kind.allCases { conditions.circuits[kind].normalise() }
        view.normalise()
    }
}

extension Suspicion {
    /// From the seventh on all waits are the longest.
    fileprivate mutating func normalise() { strikes = min(strikes, 7) }

    fileprivate mutating func elapse(_ time: Duration) {
        failedAt.elapse(time, floor: .seconds(-5000))
        notBefore.elapse(time)
    }
}

extension RowPlace {
    fileprivate mutating func elapse(_ time: Duration) {
        switch self {
        case .fresh, .again: break
        case .inFlight(var flight):
            flight.sentAt.elapse(time, floor: Moment.longAgo)
            flight.suspicion?.elapse(time)
            self = .inFlight(flight)
        case .writing(let result, let refusals, var suspicion):
            suspicion?.elapse(time)
            self = .writing(result, refusals: refusals, suspicion: suspicion)
        case .unwritten(let result, let refusals, var nextTry, var suspicion):
            nextTry.elapse(time)
            suspicion?.elapse(time)
            self = .unwritten(result, refusals: refusals, nextTry: nextTry, suspicion: suspicion)
        case .suspect(var suspicion):
            suspicion.elapse(time)
            self = .suspect(suspicion)
        }
    }
}

extension BusinessConditions {
    fileprivate mutating func elapse(_ time: Duration) {
        hold?.until.elapse(time)
        hold?.since.elapse(time, floor: Moment.longAgo)
        nextDoubtProbe.elapse(time)
        for kind in ChatContext.Kind.allCases { circuits[kind].elapse(time) }
        pacer.window?.endsAt.elapse(time)
        pacer.window?.learnedAt.elapse(time, floor: Moment.longAgo)
        pacer.resumesAt.elapse(time)
        parallel.pausedUntil.elapse(time)
        parallel.loweredAt.elapse(time, floor: Moment.longAgo)
    }
}

extension CircuitBreaker {
    fileprivate mutating func elapse(_ time: Duration) {
        openness?.lastProbe.elapse(time, floor: .seconds(-60))
        closedAt.elapse(time, floor: .zero - Self.probation)
        answeredAt.elapse(time, floor: .zero - Self.probation)
        if answeredAt.map({ !isYoung($0) }) ?? false { answeredAt = nil }
    }

    private func isYoung(_ moment: Moment) -> Bool { Moment.zero - moment < Self.probation }

    fileprivate mutating func normalise() {
        // From the seventh on all intervals are the longest.
        if let failed = openness?.failedProbes { openness?.failedProbes = min(failed, 7) }
    }
}

extension QuotaPacer {
    /// Where much remains for long, it is as good as new: only windows that are used up are of interest here.
    fileprivate mutating func normalise() {
        guard let known = window, known.remaining > 10, known.endsAt > Moment.zero + .seconds(60) else { return }
        window?.remaining = 500
        window?.endsAt = Moment.zero + .seconds(3600)
        window?.learnedAt = Moment(sinceStart: Moment.longAgo)
        lost = 0
    }
}

extension DueView {
    fileprivate mutating func elapse(_ time: Duration) {
        lastSweep.elapse(time, floor: .zero - Self.sweepInterval)
        nextDue.elapse(time)
        dueMeanwhile.elapse(time)
        retryAt.elapse(time)
        for contextType in samples.keys {
            samples[contextType]?.takenAt.elapse(time, floor: .zero - Self.sampleAge)
        }
    }

    fileprivate mutating func normalise() {
        if !isBusy { lastCount = 0 }
        failures = min(failures, 6)
        guard question == nil else { return }
        settledMeanwhile = []
        isReadNeededAgain = false
        dueMeanwhile = nil
    }
}
