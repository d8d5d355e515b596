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
