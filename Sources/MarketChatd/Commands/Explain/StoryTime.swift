import ChatOutbox

/// Moments as the database told them, for people.
enum StoryTime {
    /// `2026-11-27 09:00:00Z`, to the second; what is no moment, such as `infinity`, as it is.
    static func shown(_ text: String) -> String {
        guard (try? MomentText(parsing: text)) != nil, text.utf8.count > 19, text.hasSuffix("Z") else {
            return printable(text, limit: 40)
        }
        return "\(text.prefix(10)) \(text.dropFirst(11).prefix(8))Z"
    }

    /// `3 min ago`, `in 2 h`; `nil` where either is no moment.
    static func distance(from now: String, to text: String) -> String? {
        guard let now = try? MomentText(parsing: now), let moment = try? MomentText(parsing: text) else { return nil }
        let difference = Duration.microseconds(moment.microseconds - now.microseconds)
        if difference > .zero { return "in \(DurationText.rough(difference))" }
        return "\(DurationText.rough(.zero - difference)) ago"
    }
}
