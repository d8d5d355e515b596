import ChatOutbox
import ChatSync

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
