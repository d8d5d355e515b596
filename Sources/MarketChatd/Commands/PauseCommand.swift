import ArgumentParser
import ChatOutbox

/// `market-chatd pause`: nothing is sent for a business.
struct PauseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Send nothing for a business, until it is resumed.",
        discussion: """
            Its daemon hears of it at once, finishes the calls in flight, and sends no more; rows wait. It stays so over \
            restarts and upgrades.

            EXAMPLE
              market-chatd pause --business 12345

            --json prints {"business_id", "paused", "changed", "has_owner", "hold": {"reason", "ends_in_seconds"} or null}.
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @OptionGroup var business: BusinessOptions

    func run() async throws {
        try await environmentOptions.withDesk { desk throws(CommandFailure) in
            let change = try await PauseChange.make(true, business, desk)
            if business.json { return desk.output.json(change.json) }
            desk.output.line(
                change.isChange
                    ? "business \(business.id) is paused: nothing is sent for it until 'market-chatd resume --business"
                        + " \(business.id)'"
                    : "business \(business.id) was paused already")
        }
    }
}

/// `market-chatd resume`: what was paused goes on.
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Go on with a business that was paused, or that is held.",
        discussion: """
            With --now its daemon tries one row at once, whatever it holds the business for: a key that was refused, a \
            cabinet that the vendor moves, a spent quota. If that goes well the hold is over; if not, it begins anew. A host that \
            cannot be reached at all is not asked sooner: one of all cabinets asks it at least once a minute.

            EXAMPLES
              market-chatd resume --business 12345
              market-chatd resume --business 12345 --now

            --json prints {"business_id", "paused", "changed", "has_owner", "hold": {"reason", "ends_in_seconds"} or null, \
            "told_to_try_now"}.
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @OptionGroup var business: BusinessOptions
    @Flag(help: "End a hold early: try one row at once.")
    var now = false

    func run() async throws {
        try await environmentOptions.withDesk { desk throws(CommandFailure) in
            let change = try await PauseChange.make(false, business, desk)
            if now {
                let (session, id) = (desk.session, business.id)
                try await desk.asking { () async throws(OperatorError) in try await session.endHold(id) }
            }
            if business.json {
                return desk.output.json(
                    change.json(more: [("told_to_try_now", .bool(now && change.obstacles.hasOwner))]))
            }
            desk.output.line("business \(business.id) \(change.isChange ? "is resumed" : "was not paused")")
            if let hold = change.holdText {
                desk.output.line(now ? "it was held, and is tried now: \(hold)" : "it is held all the same: \(hold)")
            }
            if change.obstacles.hold != nil, !now {
                desk.output.line("'market-chatd resume --business \(business.id) --now' tries it at once")
            }
        }
    }
}

/// The options of both.
struct BusinessOptions: ParsableArguments {
    @Option(name: .customLong("business"), help: "The cabinet's id.", transform: identifier)
    var id: Int64
    @Flag(help: "Also for a business that no daemon has served yet and that has no rows.")
    var force = false
    @Flag(help: "Print the answer as one JSON object.")
    var json = false
}

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
