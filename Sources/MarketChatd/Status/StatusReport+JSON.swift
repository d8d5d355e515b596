import ChatOutbox
import ChatSync

extension StatusReport {
    /// For programs: see `market-chatd status --help`.
    var document: JSONText {
        .object([
            ("version", .string(version)), ("host", .string(host)), ("made_at", .string(madeAt.rfc3339)),
            ("businesses", .array(businesses.map(\.document))), ("failures", .array(failures.map(\.document))),
            ("hours", .array(hours.map(\.document))), ("recent_chats", .array(recentChats.map(\.document))),
        ])
    }
}

extension BusinessReport {
    var document: JSONText {
        .object([
            ("business_id", .integer(businessID)), ("is_listed", .bool(isListed)), ("owner", .string(owner.title)),
            ("state", .string(state.word)), ("is_paused", .bool(isPaused)), ("why", .string(why)),
            ("next", .string(next)),
            (
                "hold",
                hold.map {
                    .object([
                        ("kind", $0.kind.map { .string($0.rawValue) } ?? .null), ("reason", .string($0.reason)),
                        ("ends_in_seconds", .number($0.endsIn.inSeconds)),
                    ])
                } ?? .null
            ),
            ("due", .integer(Int64(due))), ("due_is_at_least", .bool(dueIsAtLeast)),
            ("later", later.map { .integer(Int64($0)) } ?? .null),
            ("next_due_in_seconds", nextDueIn.map { .number($0.inSeconds) } ?? .null),
            ("oldest_due_seconds", oldestDueFor.map { .number($0.inSeconds) } ?? .null),
            (
                "quota",
                quota.map {
                    .object([
                        ("limit", .integer(Int64($0.limit))), ("remaining", .integer(Int64($0.remaining))),
                        ("resets_in_seconds", .number($0.resetsIn.inSeconds)),
                    ])
                } ?? .null
            ),
            ("created_24h", createdToday.map { .integer(Int64($0)) } ?? .null),
            ("rejected_24h", rejectedToday.map { .integer(Int64($0)) } ?? .null),
        ])
    }
}

extension FailureGroup {
    var document: JSONText {
        .object([
            ("business_id", .integer(businessID)), ("http_status", httpStatus.map { .integer(Int64($0)) } ?? .null),
            ("code", code.map(JSONText.string) ?? .null), ("verdict", .string(verdict)),
            ("rows", .integer(Int64(rows))), ("rejected", .integer(Int64(rejected))), ("row_id", .integer(rowID)),
            ("message", message.map(JSONText.string) ?? .null), ("trace_id", traceID.map(JSONText.string) ?? .null),
            ("age_seconds", .number(age.inSeconds)),
        ])
    }
}

extension HourCount {
    var document: JSONText {
        .object([
            ("hours_ago", .integer(Int64(hoursAgo))), ("created", .integer(Int64(created))),
            ("put_off", .integer(Int64(putOff))), ("rejected", .integer(Int64(rejected))),
        ])
    }
}

extension RecentChat {
    var document: JSONText {
        .object([
            ("row_id", .integer(rowID)), ("business_id", .integer(businessID)),
            ("context_type", .string(contextType)), ("context_id", .integer(contextID)), ("chat_id", .integer(chatID)),
            ("age_seconds", .number(age.inSeconds)),
        ])
    }
}
