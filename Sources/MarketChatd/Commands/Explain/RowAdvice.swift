import ChatOutbox
import ChatSync

/// What a row's story means for who has to deal with it.
struct RowAdvice: Sendable, Equatable {
    /// The state in a few words.
    var headline: String
    /// What the last answer means, and what the daemon does with such answers.
    var meaning: String?
    /// What happens next, and when.
    var next: String
    /// What mends it, each a command or a sentence.
    var cures: [String] = []

    init(_ story: RowStory, patience: Verdict.Patience) {
        let last = story.exchanges.last.map { LastAnswer($0, of: story, patience: patience) }
        switch (story.state, story.waiting) {
        case ("created", _):
            headline = "created: it has its chat"
            next = "Nothing: the row is settled."
        case ("rejected", _):
            headline = "rejected: it will not be asked for again"
            meaning = last.map { Self.meaning($0, story, patience) }
            next = "Nothing, until a person has it tried again."
            cures = Self.curesOfRejection(story)
        case (_, let waiting?):
            headline = Self.headline(waiting)
            meaning = last.map { Self.meaningWhileWaiting($0, story, patience) }
            next = Self.next(waiting, story)
            cures = Self.cures(waiting, last, story)
        default:
            headline = printable(story.state, limit: 40)
            next = "Nobody knows: this state, or why it waits, is of a version that this program does not know."
        }
    }

    private static func headline(_ waiting: RowStory.Waiting) -> String {
        switch WaitingReason(waiting.reason) {
        case .due: "pending: due, and waits for its turn"
        case .scheduled: "pending: its time has not come"
        case .backoff: "pending: put off after a failure"
        case .resultNotWritten: "pending: the Market answered, and this database does not take the result"
        case .held: "pending: its business is \(printable(waiting.reason))"
        case .paused: "pending: its business is paused"
        case .noOwner: "pending: no daemon serves its business"
        case .unknown: "pending: \(printable(waiting.reason))"
        }
    }

    // MARK: What comes next

    private static func next(_ waiting: RowStory.Waiting, _ story: RowStory) -> String {
        let turn = turn(waiting)
        switch WaitingReason(waiting.reason) {
        case .due: return "It is sent in its turn: \(turn)\(about(waiting, story, startsIn: .zero))."
        case .scheduled: return "It becomes due \(when(waiting, story)); then it is sent in its turn."
        case .backoff: return "It is tried again \(when(waiting, story))."
        case .resultNotWritten:
            return "It is written again within seconds, and so on until the database takes it."
        case .held(.circuit?):
            return "One probe at a time asks whether the Market is well again, at least once a minute; then \(turn)."
        case .held(let kind?) where kind.needsPerson:
            return "One row is tried every 5 minutes, next \(when(waiting, story)), until a person mends the cause."
        case .held(let kind):
            let rest = max(waiting.nextTryIn ?? .zero, .zero)
            let about = about(waiting, story, startsIn: rest, isWindowOver: kind == .quota)
            return "The business goes on \(when(waiting, story)); then \(turn)\(about)."
        case .paused: return "Nothing, until the business is resumed."
        case .noOwner: return "Nothing, until a daemon serves the business; then \(turn)."
        case .unknown: return "It is tried \(when(waiting, story))."
        }
    }

    private static func turn(_ waiting: RowStory.Waiting) -> String {
        switch waiting.rowsBefore {
        case 0: "no due row goes before it"
        case RowStory.countLimit...: "\(RowStory.countLimit) due rows or more go before it"
        case let count: "\(counted(count, "due row")) \(count == 1 ? "goes" : "go") before it"
        }
    }

    /// No time that a person waits for.
    private static let endless = Duration.seconds(200 * 365 * 86_400)

    /// When that turn may come, where others go first: an estimate from the quota.
    private static func about(
        _ waiting: RowStory.Waiting, _ story: RowStory, startsIn: Duration, isWindowOver: Bool = false
    ) -> String {
        guard waiting.rowsBefore > 0, startsIn < endless, let now = try? MomentText(parsing: story.lookedAt) else {
            return ""
        }
        let forecast = WorkForecast(
            due: waiting.rowsBefore + 1, quota: waiting.quota, startsIn: startsIn, isWindowOver: isWindowOver)
        guard let left = forecast.timeLeft else { return "" }
        let moment = StoryTime.shown(WallTime(seconds: now.microseconds / 1_000_000).advanced(by: left).rfc3339)
        let isMore = waiting.rowsBefore >= RowStory.countLimit
        return isMore ? "; its turn does not come before \(moment)" : "; its turn comes at about \(moment)"
    }

    private static func when(_ waiting: RowStory.Waiting, _ story: RowStory) -> String {
        guard let rest = waiting.nextTryIn else { return "at a time that nobody knows" }
        if rest <= .zero { return "at once" }
        if rest > endless {
            if case .held = WaitingReason(waiting.reason) {
                return "never: held_until of market_chat.business is that far"
            }
            return "never: its due_at is \(printable(story.dueAt, limit: 40))"
        }
        guard let now = try? MomentText(parsing: story.lookedAt) else { return "in \(DurationText.rough(rest))" }
        let moment = WallTime(seconds: now.microseconds / 1_000_000).advanced(by: rest)
        return "in \(DurationText.rough(rest)), at \(StoryTime.shown(moment.rfc3339))"
    }

    // MARK: What mends it

    private static func curesOfRejection(_ story: RowStory) -> [String] {
        let status = story.exchanges.last?.httpStatus
        let check =
            status == 404
            ? "Check that the Market has \(story.contextType) \(story.contextID) in business \(story.businessID)."
            : "Mend what the message says, on the Market or in your order system; it is what the Market says of this row alone."
        return [check, "market-chatd retry --id \(story.id)"]
    }

    private static func cures(_ waiting: RowStory.Waiting, _ last: LastAnswer?, _ story: RowStory) -> [String] {
        let resume = "market-chatd resume --business \(story.businessID)"
        switch WaitingReason(waiting.reason) {
        case .due: return []
        case .scheduled: return ["market-chatd retry --id \(story.id)    (makes it due now)"]
        case .backoff:
            let now = "market-chatd retry --id \(story.id)    (tries it now)"
            return last == .resultRefused ? cureOfRefusal + [now] : [now]
        case .resultNotWritten: return cureOfRefusal
        case .held(.authorization?):
            return [
                "Mend MARKET_API_KEY of business \(story.businessID): a valid key with the scope communication or all-methods.",
                "systemctl reload market-chatd    (reads key files; a key in the environment file needs a restart)",
                "\(resume) --now    (tries it at once)",
            ]
        case .held(.misconfigured?):
            return ["Check MARKET_API_URL, and whether this is the newest market-chatd.", "\(resume) --now"]
        case .held(.database?): return cureOfRefusal
        case .held(.quota?):
            return ["The quota comes back by itself; where it is never enough, ask the Market for more."]
        case .held(.circuit?):
            return ["Check the network and https://yandex.ru/dev/market/partner-api for a disturbance."]
        case .held: return ["\(resume) --now    (tries it at once)"]
        case .paused: return [resume]
        case .noOwner:
            return [
                "Have \(story.businessID) in MARKET_BUSINESS_IDS of a running daemon: systemctl status market-chatd",
                "market-chatd run --dry-run    (says what is wrong with the configuration)",
            ]
        case .unknown: return ["market-chatd retry --id \(story.id)"]
        }
    }

    private static let cureOfRefusal = [
        "Mend the trigger, the constraint or the policy that the message is about, or end the transaction that holds the row;"
            + " the daemon does the rest."
    ]
}
