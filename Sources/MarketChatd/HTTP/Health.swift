import ChatOutbox
import ChatSync

/// `/healthz`: whether the process does what it is for. A restart cures a 503, and only a restart.
enum Health {
    static func answer(for status: EngineStatus) -> StatusAnswer {
        guard status.isMakingProgress || status.phase == .stopped else {
            return .json(503, .object([("ok", .bool(false)), ("reason", .string("the work loop does not turn"))]))
        }
        return .json(200, .object([("ok", .bool(true))]))
    }
}
