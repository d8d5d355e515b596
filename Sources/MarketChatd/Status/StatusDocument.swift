import ChatOutbox
import ChatSync

/// `/status.json`: the whole report, for scripts. Members are added, and never taken away or given another meaning; a script
/// has to pass over those that it does not know. Times are seconds from now, with a fraction, and never negative.
///
/// `/status.json` holds what the engine knows, and of the database what was read last for the page; it costs the database
/// nothing. `/status.json?with=database` reads the database first where that is older than 10 s.
///
/// | member | type | meaning |
/// |---|---|---|
/// | `version` | string | of the program |
/// | `phase` | string | `starting`, `running`, `draining`, `stopped`; absent in the command `status` |
/// | `database.connected` | bool | whether the session with the database stands |
/// | `database.problem` | string or null | where it does not: what the last try said |
/// | `is_making_progress` | bool | false: a defect, for which a restart is the cure; absent in the command `status` |
/// | `host`, `made_at`, `verdict` | string | this machine, the time (RFC 3339), and the whole in a sentence |
/// | `database_part.age_seconds` | number or null | since the database was read; null: never, and what it tells is null |
/// | `database_part.problem` | string or null | why that is missing or old |
/// | `database_part.session_seconds` | number or null | since the engine's session was found or, where it is not connected, lost |
/// | `businesses[]` | object | see below; those of the configuration first |
/// | `failures[]` | object | `business_id`, `http_status`, `code`, `verdict`, `rows`, `rejected`, `last_row_id`, `message`, `trace_id`, `age_seconds`, `advice`, `command` |
/// | `hours[]` | object | 24 of `hours_ago`, `created`, `put_off`, `rejected`; null where the database was never read |
/// | `recent_chats[]` | object | `row_id`, `business_id`, `context_type`, `context_id`, `chat_id`, `age_seconds` |
///
/// A business:
///
/// | member | type | meaning |
/// |---|---|---|
/// | `business_id` | integer | |
/// | `is_owned` | bool | whether this instance sends for it |
/// | `is_paused` | bool | by an operator |
/// | `is_asleep` | bool or null | whether producers notify; null in the command `status` |
/// | `hold` | object or null | `reason`, `ends_in_seconds` (0: one row is tried) and `kind`: `authorization`, `misconfigured`, `migration`, `quota`, `overloaded`, `database`, `circuit`, or null where its owner is newer |
/// | `in_flight` | integer or null | requests without an answer; null in the command `status` |
/// | `due` | integer or null | rows that could be sent now |
/// | `due_is_at_least` | bool | there are more than `due` |
/// | `oldest_due_seconds` | number or null | for how long the oldest due row has been due |
/// | `quota` | object or null | `limit`, `remaining`, `resets_in_seconds` |
/// | `since_start` | object or null | null in the command `status`; counters of this process: `requests`, `created`, `rejected`, `backoffs`, `deferred`, `refusals`, `quota_refusals`, `parallel_refusals` |
/// | `is_listed` | bool | whether it is in `MARKET_BUSINESS_IDS` |
/// | `owner` | object | `kind`: `this_instance`, `other`, `stranger`, `nobody`, `unknown`; `name`, `process_id` (of the server), each or null |
/// | `state` | string | `working`, `idle`, `held`, `paused`, `blocked`, `no_owner`, `not_listed`, `unknown` |
/// | `urgency` | string | `calm`, `waiting`, `trouble`, `person` |
/// | `why`, `next` | string | in words |
/// | `command` | string or null | what a person types to go on |
/// | `unwritten` | integer or null | answers whose results are not written yet; null in the command `status` |
/// | `later`, `next_due_seconds` | number or null | rows that are scheduled or put off, and when the first is due |
/// | `created_24h`, `rejected_24h` | integer or null | of the rows that were inserted in the last 24 hours |
enum StatusDocument {
    /// For the help of `status`.
    static let form = """
          Members are added, never taken away or given another meaning. Times are
          seconds from now. What only /status.json of the daemon knows (*) is null or
          absent here; what nobody has told is null.
          version, host, made_at (RFC 3339), verdict (the whole in a sentence)
          phase*: starting, running, draining, stopped
          is_making_progress*: false: only a restart helps
          database: connected, problem
          database_part: age_seconds, problem, session_seconds
          businesses[]:
            business_id, is_listed, is_owned, is_paused, is_asleep*
            state: working, idle, held, paused, blocked, no_owner, not_listed, unknown
            urgency: calm, waiting, trouble, person
            why, next, command: for people
            owner: kind (this_instance, other, stranger, nobody, unknown), name,
              process_id
            hold: kind (authorization, misconfigured, migration, quota, overloaded,
              database, circuit), reason, ends_in_seconds
            due, due_is_at_least, oldest_due_seconds, later, next_due_seconds
            in_flight*, unwritten*
            quota: limit, remaining, resets_in_seconds
            created_24h, rejected_24h
            since_start*: requests, created, rejected, backoffs, deferred, refusals,
              quota_refusals, parallel_refusals
          failures[]:
            business_id, http_status, code, verdict, rows, rejected, last_row_id,
            message, trace_id, age_seconds, advice, command
          hours[]: hours_ago, created, put_off, rejected
          recent_chats[]:
            row_id, business_id, context_type, context_id, chat_id, age_seconds
        """

    static func answer(for report: StatusReport) -> StatusAnswer {
        .json(200, document(report))
    }

    static func document(_ report: StatusReport) -> JSONText {
        let isRead = report.database.age != nil
        var members: [(String, JSONText)] = [("version", .string(report.version))]
        if let engine = report.engine { members.append(("phase", .string(engine.phase.rawValue))) }
        members.append(("database", database(report.database)))
        if let engine = report.engine { members.append(("is_making_progress", .bool(engine.isMakingProgress))) }
        members += [
            ("businesses", .array(report.businesses.map { $0.document })),
            ("host", .string(report.host)), ("made_at", .string(report.madeAt.rfc3339)),
            ("verdict", .string(report.verdict)),
            (
                "database_part",
                .object([
                    ("age_seconds", .seconds(report.database.age)), ("problem", .text(report.database.readProblem)),
                    ("session_seconds", .seconds(report.database.sessionFor)),
                ])
            ),
            ("failures", isRead ? .array(report.failures.map(failure)) : .null),
            ("hours", isRead ? .array(report.hours.map(hour)) : .null),
            ("recent_chats", isRead ? .array(report.recentChats.map(chat)) : .null),
        ]
        return .object(members)
    }

    private static func database(_ database: StatusReport.DatabaseState) -> JSONText {
        database.isConnected
            ? .object([("connected", .bool(true))])
            : .object([("connected", .bool(false)), ("problem", .text(database.problem))])
    }

    private static func failure(_ group: FailureGroup) -> JSONText {
        let cure = FailureCure(group)
        return .object([
            ("business_id", .integer(group.businessID)), ("http_status", .count(group.httpStatus)),
            ("code", .text(group.code)), ("verdict", .string(group.verdict)), ("rows", .count(group.rows)),
            ("rejected", .count(group.rejected)), ("last_row_id", .integer(group.rowID)),
            ("message", .text(group.message)), ("trace_id", .text(group.traceID)),
            ("age_seconds", .seconds(group.age)), ("advice", .string(cure.advice)), ("command", .string(cure.command)),
        ])
    }

    private static func hour(_ hour: HourCount) -> JSONText {
        .object([
            ("hours_ago", .count(hour.hoursAgo)), ("created", .count(hour.created)), ("put_off", .count(hour.putOff)),
            ("rejected", .count(hour.rejected)),
        ])
    }

    private static func chat(_ chat: RecentChat) -> JSONText {
        .object([
            ("row_id", .integer(chat.rowID)), ("business_id", .integer(chat.businessID)),
            ("context_type", .string(chat.contextType)), ("context_id", .integer(chat.contextID)),
            ("chat_id", .integer(chat.chatID)), ("age_seconds", .seconds(chat.age)),
        ])
    }
}

extension BusinessReport {
    fileprivate var document: JSONText {
        .object([
            ("business_id", .integer(businessID)), ("is_owned", .bool(owner == .thisInstance)),
            ("is_paused", .bool(isPaused)), ("is_asleep", engine.map { .bool($0.isAsleep) } ?? .null),
            ("hold", hold?.document ?? .null), ("in_flight", .count(engine?.inFlight)), ("due", .count(due)),
            ("due_is_at_least", .bool(dueIsAtLeast)), ("oldest_due_seconds", .seconds(oldestDueFor)),
            ("quota", quota?.document ?? .null), ("since_start", engine?.counters.document ?? .null),
            ("is_listed", .bool(isListed)), ("owner", owner.document), ("state", .string(state.word)),
            ("urgency", .string(urgency.word)), ("why", .string(why)), ("next", .string(next)),
            ("command", .text(command)),
            ("unwritten", .count(engine?.unwritten)), ("later", .count(later)),
            ("next_due_seconds", .seconds(nextDueIn)), ("created_24h", .count(createdToday)),
            ("rejected_24h", .count(rejectedToday)),
        ])
    }
}

extension BusinessReport.Hold {
    fileprivate var document: JSONText {
        .object([
            ("reason", .string(reason)), ("ends_in_seconds", .seconds(endsIn)), ("kind", .text(kind?.rawValue)),
        ])
    }
}

extension BusinessReport.Owner {
    fileprivate var document: JSONText {
        let (kind, name, processID): (String, String?, Int32?) =
            switch self {
            case .thisInstance: ("this_instance", nil, nil)
            case .other(let name): ("other", name, nil)
            case .stranger(let name, let processID): ("stranger", name, processID)
            case .nobody: ("nobody", nil, nil)
            case .unknown: ("unknown", nil, nil)
            }
        return .object([
            ("kind", .string(kind)), ("name", .text(name)), ("process_id", .count(processID.map(Int.init))),
        ])
    }
}

extension BusinessRecord.Quota {
    fileprivate var document: JSONText {
        .object([
            ("limit", .count(limit)), ("remaining", .count(remaining)), ("resets_in_seconds", .seconds(resetsIn)),
        ])
    }
}

extension BusinessStatus.Counters {
    fileprivate var document: JSONText {
        .object([
            ("requests", .count(requests)), ("created", .count(created)), ("rejected", .count(rejected)),
            ("backoffs", .count(backoffs)), ("deferred", .count(deferred)), ("refusals", .count(refusals)),
            ("quota_refusals", .count(quotaRefusals)), ("parallel_refusals", .count(parallelRefusals)),
        ])
    }
}

extension JSONText {
    fileprivate static func text(_ text: String?) -> JSONText { text.map(JSONText.string) ?? .null }
    fileprivate static func count(_ count: Int?) -> JSONText { count.map { .integer(Int64($0)) } ?? .null }
    fileprivate static func seconds(_ duration: Duration?) -> JSONText {
        duration.map { .number($0.inSeconds) } ?? .null
    }
}
