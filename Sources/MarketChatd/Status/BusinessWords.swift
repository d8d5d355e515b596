import ChatOutbox
import ChatSync

/// A business's state in plain words: why, and what happens next and when.
struct BusinessWords {
    let report: BusinessReport
    let now: WallTime

    var why: String {
        switch report.state {
        case .working: working
        case .idle: "nothing is due"
        case .held, .heldOtherwise: held
        case .paused: "an operator paused it"
        case .blocked: "a session that is no market-chatd holds the lock of this business"
        case .noOwner: "no instance serves it"
        case .notListed: "it has rows, but it is not in MARKET_BUSINESS_IDS, and no instance serves it"
        case .unknown: "who serves it is known only while the database answers"
        }
    }

    var next: String {
        switch report.state {
        case .working: workLeft ?? "its answers are written"
        case .idle: idleNext
        case .held(let kind): heldNext(kind)
        case .heldOtherwise: holdEnd ?? "its owner tries again"
        case .paused: joined([dueText, "goes on when somebody resumes it"])
        case .blocked: joined([dueText, "goes on when that session ends"])
        case .noOwner: joined([dueText, "an instance takes it within seconds; if not, see the log of each"])
        case .notListed: joined([dueText, "add it to MARKET_BUSINESS_IDS and restart, or delete its rows"])
        case .unknown: ""
        }
    }

    var command: String? {
        switch report.state {
        case .paused: "market-chatd resume --business \(report.businessID)"
        case .blocked: "SELECT pg_terminate_backend(\(strangerProcess))"
        case .held(.authorization): "systemctl reload market-chatd"
        case .held(.misconfigured): "systemctl restart market-chatd"
        default: nil
        }
    }

    private var working: String {
        guard let engine = report.engine, report.owner == .thisInstance else { return "rows are due" }
        var parts: [String] = []
        if engine.inFlight > 0 { parts.append("\(engine.inFlight) in flight") }
        if engine.unwritten > 0 { parts.append("\(engine.unwritten) answered and not yet written") }
        return parts.isEmpty ? "rows are due" : joined(parts)
    }

    private var idleNext: String {
        guard let later = report.later, later > 0 else { return "the next row is sent when it comes" }
        let first = report.nextDueIn.map { "the first at \(clock($0))" }
        return joined(["\(counted(later, "row")) for later", first])
    }

    private var held: String {
        guard let hold = report.hold else { return "held" }
        let detail = hold.detail
        func with(_ text: String) -> String { detail.isEmpty ? text : "\(text): \(detail)" }
        return switch hold.kind {
        case .authorization: with("the Market refuses the API key")
        case .misconfigured: with("the Market does not know what is asked: a wrong URL, or a version it no longer has")
        case .migration: with("the Market is moving this cabinet")
        case .quota: quotaUsedUp(detail)
        case .overloaded: with("the Market asks to be left alone for a while")
        case .database: with("the seller's own database refuses results")
        case .circuit: with("the Market fails")
        case nil: hold.reason
        }
    }

    /// The detail begins with `used up`, and goes on where there is a reserve.
    private func quotaUsedUp(_ detail: String) -> String {
        let said = "used up"
        return "this window's requests are "
            + (detail.hasPrefix(said) ? detail : detail.isEmpty ? said : "\(said): \(detail)")
    }

    private func heldNext(_ kind: ChatSync.Hold.Kind) -> String {
        switch kind {
        case .quota, .migration, .overloaded: joined([holdEnd, workLeft])
        case .authorization:
            joined([probe, dueText, "renew the key, then reload (restart, where it stands in the environment file)"])
        case .misconfigured:
            joined([probe, dueText, "check MARKET_API_URL, and restart"])
        case .database: joined(["writing is tried again by itself", dueText, "see last_error of its rows"])
        case .circuit: joined([probe, dueText])
        }
    }

    /// `holds until 15:00:02, quota`.
    private var holdEnd: String? {
        guard let hold = report.hold else { return nil }
        let kind = hold.kind.map { ", \($0.rawValue)" } ?? ""
        return hold.endsIn > .zero ? "holds until \(clock(hold.endsIn))\(kind)" : "goes on with the next row"
    }

    private var probe: String? {
        guard let hold = report.hold else { return nil }
        return hold.endsIn > .zero ? "one row is tried at \(clock(hold.endsIn))" : "one row is tried at once"
    }

    private var dueText: String? {
        report.due.flatMap { $0 > 0 ? "\($0)\(report.dueIsAtLeast ? " or more" : "") due" : nil }
    }

    /// `12 due, done by about 15:04`.
    private var workLeft: String? {
        guard let dueText else { return nil }
        return dueText + (doneBy.map { ", \($0)" } ?? "")
    }

    private var doneBy: String? {
        guard let left = WorkForecast(report).timeLeft else { return nil }
        let end = clockToMinute(left)
        return report.dueIsAtLeast ? "not done before \(end)" : "done by about \(end)"
    }

    private var strangerProcess: Int32 {
        if case .stranger(_, let processID) = report.owner { processID } else { 0 }
    }

    private func clock(_ duration: Duration) -> String {
        duration < .seconds(72_000)
            ? now.advanced(by: duration).roundedToSecond.localTimeOfDay : date(duration)
    }

    private func date(_ duration: Duration) -> String { StoryTime.shown(now.advanced(by: duration).rfc3339) }

    /// To the next whole minute.
    private func clockToMinute(_ duration: Duration) -> String {
        guard duration < .seconds(72_000) else { return date(duration) }
        let end = now.advanced(by: duration).seconds
        return WallTime(seconds: (end + 59) / 60 * 60).localTimeOfDay
    }

    private func joined(_ parts: [String?]) -> String {
        parts.compactMap { $0 }.joined(separator: "; ")
    }
}
