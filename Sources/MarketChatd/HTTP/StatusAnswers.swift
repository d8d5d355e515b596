import ChatOutbox
import ChatSync

/// What the HTTP listener answers: a status code, a type and a text. Pure, so that it is tested without a socket.
struct StatusAnswer: Sendable, Equatable {
    var code: Int
    var contentType: String
    var body: String

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

/// `/status.json`: the whole snapshot, for scripts.
enum StatusDocument {
    static func answer(for status: EngineStatus) -> StatusAnswer {
        .json(200, document(status))
    }

    static func document(_ status: EngineStatus) -> JSONText {
        .object([
            ("version", .string(Version.current)), ("phase", .string(status.phase.rawValue)),
            ("database", database(status.database)), ("is_making_progress", .bool(status.isMakingProgress)),
            ("businesses", .array(status.businesses.map(business))),
        ])
    }

    private static func database(_ database: EngineStatus.Database) -> JSONText {
        switch database {
        case .connected: .object([("connected", .bool(true))])
        case .connecting(let problem):
            .object([("connected", .bool(false)), ("problem", problem.map(JSONText.string) ?? .null)])
        }
    }

    private static func business(_ business: BusinessStatus) -> JSONText {
        let counters = business.counters
        return .object([
            ("business_id", .integer(business.businessID)), ("is_owned", .bool(business.isOwned)),
            ("is_paused", .bool(business.isPaused)), ("is_asleep", .bool(business.isAsleep)),
            (
                "hold",
                business.hold.map {
                    .object([("reason", .string($0.reason)), ("ends_in_seconds", .number($0.endsIn.inSeconds))])
                } ?? .null
            ),
            ("in_flight", .integer(Int64(business.inFlight))), ("due", .integer(Int64(business.due))),
            ("due_is_at_least", .bool(business.dueIsAtLeast)),
            ("oldest_due_seconds", business.oldestDueFor.map { .number($0.inSeconds) } ?? .null),
            (
                "quota",
                business.quota.map {
                    .object([
                        ("limit", .integer(Int64($0.limit))), ("remaining", .integer(Int64($0.remaining))),
                        ("resets_in_seconds", .number($0.resetsIn.inSeconds)),
                    ])
                } ?? .null
            ),
            (
                "since_start",
                .object([
                    ("requests", .integer(Int64(counters.requests))), ("created", .integer(Int64(counters.created))),
                    ("rejected", .integer(Int64(counters.rejected))), ("backoffs", .integer(Int64(counters.backoffs))),
                    ("deferred", .integer(Int64(counters.deferred))), ("refusals", .integer(Int64(counters.refusals))),
                    ("quota_refusals", .integer(Int64(counters.quotaRefusals))),
                    ("parallel_refusals", .integer(Int64(counters.parallelRefusals))),
                ])
            ),
        ])
    }
}
