import ChatOutbox
import ChatSync

// What the daemon does with an answer, in words. The cases are those of the daemon's own verdict.
extension RowAdvice {
    static func meaning(_ last: LastAnswer, _ story: RowStory, _ patience: Verdict.Patience) -> String {
        switch last {
        case .resultRefused:
            "The Market has answered, and this database refused to take the result. The answer is kept and written again with"
                + " growing pauses; the Market is not asked again."
        case .unknown: "The last answer is of a kind that this program does not know."
        case .verdict(_, isRejection: true): rejection(story, patience)
        case .verdict(let evidence, isRejection: false): meaning(evidence, story, patience)
        }
    }

    /// A row that waits and was rejected once is tried again because a person wanted it so.
    static func meaningWhileWaiting(_ last: LastAnswer, _ story: RowStory, _ patience: Verdict.Patience) -> String {
        guard case .verdict(_, isRejection: true) = last else { return meaning(last, story, patience) }
        return "It was rejected, and a person had it tried again: attempts and patience start anew."
    }

    private static func rejection(_ story: RowStory, _ patience: Verdict.Patience) -> String {
        if story.exchanges.last?.httpStatus == 404 {
            return "The Market did not know this \(noun(story)) for longer than CHATD_NOT_FOUND_PATIENCE"
                + " (\(DurationText.exact(patience.notFound)) here), and was asked four times at least."
        }
        return
            "The Market will not create a chat for this \(noun(story)), and would say the same again. Other rows are not"
            + " touched by it."
    }

    private static func meaning(
        _ evidence: Verdict.Evidence, _ story: RowStory, _ patience: Verdict.Patience
    ) -> String {
        let pauses =
            "CHATD_RETRY_BASE to CHATD_RETRY_MAX (\(DurationText.exact(patience.backoff.base)) to"
            + " \(DurationText.exact(patience.backoff.max)) here)"
        switch evidence {
        case .answered:
            let since = story.notFoundFor.map { " It was first not found \(DurationText.rough($0)) ago." } ?? ""
            return
                "The Market does not know this \(noun(story)), or not yet: it is asked for again, less and less often, and"
                + " rejected once it was not found for CHATD_NOT_FOUND_PATIENCE (\(DurationText.exact(patience.notFound))"
                + " here) and four times at least.\(since)"
        case .failed:
            return
                "The Market failed, was too slow, or answered with what is of no use. The row is tried again after growing"
                + " pauses, \(pauses), and is never rejected for it. After several failures in a row one probe at a time is"
                + " sent."
        case .hostIsAway:
            return
                "No connection to the Market came about: the network, DNS, a proxy or TLS. The row is tried again after"
                + " growing pauses, \(pauses), and is never rejected for it."
        case .forbidden:
            return
                "The key may not do this, for this row or for the whole business. Other rows are tried first; when ten"
                + " different ones (or all that are due) got the same, the business is held, and one row is tried every 5"
                + " minutes. The row is never rejected for it."
        case .odd(let status):
            return
                "HTTP \(status) is not documented. The row is tried again after growing pauses, \(pauses), and is never"
                + " rejected for it; three rows in a row with the same hold the business as misconfigured."
        case .held(let kind, let time): return held(kind, time)
        case .quotaUsedUp:
            return
                "The quota of the business was used up: nothing is sent until the Market's window ends. No attempt was"
                + " burned."
        case .tooManyInFlight:
            return
                "Too many requests were in flight at once: a pause of a second or two, then fewer at a time. No attempt was"
                + " burned."
        case .nothing: return "The request was given up before an answer came."
        }
    }

    private static func held(_ kind: Hold.Kind, _ time: Duration) -> String {
        let again = "one row is tried every \(DurationText.rough(time)). No attempt was burned."
        return switch kind {
        case .authorization: "The API key was refused, or there is none: the whole business is held, and \(again)"
        case .misconfigured:
            "The Market does not know the address that was asked: the whole business is held as misconfigured, and \(again)"
        case .migration:
            "The vendor is moving the cabinet: the whole business is held for \(DurationText.rough(time)). No attempt was"
                + " burned."
        case .quota, .overloaded, .database, .circuit: "The whole business is held: \(again)"
        }
    }

    private static func noun(_ story: RowStory) -> String { story.contextType == "RETURN" ? "return" : "order" }
}
