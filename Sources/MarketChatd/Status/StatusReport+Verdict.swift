import ChatSync

extension StatusReport {
    /// The worst of all, in a few words, for a title.
    var title: String {
        if engine?.isMakingProgress == false, engine?.phase != .stopped { return "stuck" }
        if engine?.phase == .draining { return "draining" }
        if !database.isConnected { return engine?.phase == .starting ? "starting" : "database away" }
        guard let worst else { return "ok" }
        return "\(worst.state.title): \(worst.businessID)"
    }

    /// How all is, in a sentence.
    var verdict: String {
        if engine?.isMakingProgress == false, engine?.phase != .stopped {
            return "The work loop does not turn: restart it, and keep its log."
        }
        switch engine?.phase {
        case .draining: return "Draining: it takes no more rows, and finishes the calls in flight."
        case .stopped: return "Stopped."
        case .starting, .running, nil: break
        }
        guard database.isConnected else {
            let problem = database.problem.map { ": \($0)" } ?? ""
            return "The database is away\(awaySince)\(problem). Nothing is lost; work goes on when it answers."
        }
        return businessVerdict
    }

    /// How soon somebody should look.
    var urgency: BusinessReport.Urgency {
        if engine?.isMakingProgress == false, engine?.phase != .stopped { return .person }
        if engine?.phase == .draining { return .waiting }
        return database.isConnected ? worst?.urgency ?? .calm : .trouble
    }

    /// ` since 15:00:02, 64 s`.
    private var awaySince: String {
        guard let away = database.sessionFor else { return "" }
        let time = madeAt.advanced(by: .zero - away).roundedToSecond.localTimeOfDay
        return " since \(time), for \(DurationText.rough(away))"
    }

    private var businessVerdict: String {
        guard let worst else {
            return businesses.count == 1 ? "The business is served." : "All \(businesses.count) businesses are served."
        }
        let others = businesses.count { $0.urgency > .calm } - 1
        let more = others > 0 ? " \(others) more \(others == 1 ? "is" : "are") not as usual." : ""
        return "Business \(worst.businessID): \(worst.why).\(more)"
    }
}
