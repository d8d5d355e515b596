import ChatOutbox
import ChatSync

/// What the HTTP listener answers: a status code, a type and a text. Pure, so that it is tested without a socket.
struct StatusAnswer: Sendable, Equatable {
    var code: Int
    var contentType: String
    var body: String
    /// `nil`: nothing may be loaded or run.
    var contentSecurityPolicy: String?

    static func json(_ code: Int, _ document: JSONText) -> StatusAnswer {
        StatusAnswer(code: code, contentType: "application/json", body: document.text + "\n")
    }
}

/// `/healthz`: whether the process does what it is for. A restart cures a 503, and only a restart.
enum Health {
    static func answer(for status: EngineStatus) -> StatusAnswer {
        guard status.isMakingProgress || status.phase == .stopped else {
            return .json(503, .object([("ok", .bool(false)), ("reason", .string("the work loop does not turn"))]))
        }
        return .json(200, .object([("ok", .bool(true))]))
    }
}

/// `/readyz`: whether orders are being served now, by this instance or, while it stands by, by the owner.
enum Readiness {
    static func answer(for status: EngineStatus) -> StatusAnswer {
        if let reason = reasonAgainst(status) {
            return .json(503, .object([("ready", .bool(false)), ("reason", .string(reason))]))
        }
        let owned = status.businesses.count(where: \.isOwned)
        return .json(
            200,
            .object([
                ("ready", .bool(true)), ("owned", .integer(Int64(owned))),
                ("standby", .integer(Int64(status.businesses.count - owned))),
            ]))
    }

    private static func reasonAgainst(_ status: EngineStatus) -> String? {
        switch status.phase {
        case .starting: return "starting"
        case .draining: return "draining"
        case .stopped: return "stopped"
        case .running: break
        }
        if case .connecting(let problem) = status.database {
            return "waiting for the database" + (problem.map { ": \($0)" } ?? "")
        }
        return status.isMakingProgress ? nil : "the work loop does not turn"
    }
}
