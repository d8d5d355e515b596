import ArgumentParser
import ChatOutbox

/// What a pause, or its end, changed.
struct PauseChange: Sendable, Equatable {
    var businessID: Int64
    var isPaused: Bool
    /// Whether it was the other way before.
    var isChange: Bool
    var obstacles: OperatorSession.Obstacles

    static func make(
        _ isPaused: Bool, _ business: BusinessOptions, _ desk: OperatorDesk
    ) async throws(CommandFailure) -> PauseChange {
        let (session, id) = (desk.session, business.id)
        let known = try await desk.asking { () async throws(OperatorError) in try await session.known(id) }
        guard known.isPaused != nil || known.hasRows || business.force else {
            throw CommandFailure(
                .failed,
                [
                    "business \(id) is not known at \(session.place): no daemon has served it, and it has no rows: mistyped?"
                        + " --force \(isPaused ? "pauses" : "resumes") it all the same"
                ])
        }
        let obstacles = try await desk.asking { () async throws(OperatorError) in
            try await session.setPaused(isPaused, id)
        }
        if !obstacles.hasOwner {
            desk.warn("warning: no daemon serves business \(id) now: is it in MARKET_BUSINESS_IDS, and does one run?")
        }
        return PauseChange(
            businessID: id, isPaused: isPaused, isChange: (known.isPaused ?? false) != isPaused, obstacles: obstacles)
    }

    /// Why the business is held, and for how long.
    var holdText: String? {
        obstacles.hold.map { hold in
            let rest = hold.endsIn > .zero ? ", for \(DurationText.rough(hold.endsIn))" : ""
            return printable(hold.reason) + rest
        }
    }

    var json: JSONText { json(more: []) }

    func json(more: [(String, JSONText)]) -> JSONText {
        let hold: JSONText? = obstacles.hold.map { hold in
            .object([("reason", .string(hold.reason)), ("ends_in_seconds", .number(hold.endsIn.inSeconds))])
        }
        return .object(
            [
                ("business_id", .integer(businessID)), ("paused", .bool(isPaused)), ("changed", .bool(isChange)),
                ("has_owner", .bool(obstacles.hasOwner)), ("hold", hold ?? .null),
            ] + more)
    }
}
