import ArgumentParser
import ChatOutbox

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
