import ChatOutbox
import ChatSync

/// All that there is to tell of the service at one moment: what the command `status` prints, `/status.json` holds and the
/// page shows. It is put together from what this process's engine knows and from what the database tells; either may be
/// missing. A copy: nothing in it changes any more.
struct StatusReport: Sendable, Equatable {
    /// Of the program that made it.
    var version: String
    /// This machine's name.
    var host: String
    var madeAt: WallTime
    /// The engine of this process; `nil` in a command, which has none.
    var engine: EngineState?
    var database: DatabaseState
    /// Those that are listed, in the order of the configuration, and then those that only the database knows of, by number.
    var businesses: [BusinessReport]
    /// Of rows of the last 24 hours, the most rows first. Texts in it come from the Market: escape them.
    var failures: [FailureGroup]
    /// Always 24, the present hour first.
    var hours: [HourCount]
    /// The newest first.
    var recentChats: [RecentChat]

    /// What becomes of the process.
    struct EngineState: Sendable, Equatable {
        var phase: EngineStatus.Phase
        /// False means a defect, for which a restart is the cure.
        var isMakingProgress: Bool
    }

    /// What is known of the database, and how old that is.
    struct DatabaseState: Sendable, Equatable {
        /// Whether rows can be read and written now: by the engine's session or, without an engine, by the command's.
        var isConnected: Bool
        /// Why it is not, where that is known.
        var problem: String?
        /// Since the engine's session was found, or lost; `nil` without an engine.
        var sessionFor: Duration?
        /// Since the database's part of this report was read; `nil`: it was never read, and owners, failures, hours and
        /// chats are unknown.
        var age: Duration?
        /// Why the database's part is missing or older than it should be.
        var readProblem: String?
    }

    /// What somebody read from the database, and when.
    struct DatabasePart: Sendable, Equatable {
        var overview: OutboxOverview?
        /// Since `overview` was read.
        var age: Duration?
        /// Of the last try, where it failed.
        var problem: String?

        /// Nobody has looked.
        static let unread = DatabasePart()

        init(overview: OutboxOverview? = nil, age: Duration? = nil, problem: String? = nil) {
            self.overview = overview
            self.age = age
            self.problem = problem
        }
    }

    /// - Parameters:
    ///   - engine: of this process; `nil` in a command.
    ///   - databasePart: what was read from the database.
    ///   - listed: `MARKET_BUSINESS_IDS`.
    ///   - version: of this program.
    ///   - host: this machine's name.
    ///   - now: to turn what is left of a time into a time of day.
    init(
        engine: EngineStatus?, databasePart: DatabasePart, listed: [Int64], version: String = Version.current,
        host: String, now: WallTime
    ) {
        self.version = version
        self.host = host
        madeAt = now
        self.engine = engine.map { EngineState(phase: $0.phase, isMakingProgress: $0.isMakingProgress) }
        database = DatabaseState(engine: engine, part: databasePart)
        let overview = databasePart.overview
        businesses = BusinessReport.all(
            engine: engine, overview: overview, listed: listed, isConnected: database.isConnected, now: now)
        failures = overview?.failures ?? []
        hours = (0..<24).map { hour in
            overview?.hours.first { $0.hoursAgo == hour } ?? HourCount(hoursAgo: hour)
        }
        recentChats = overview?.recentChats ?? []
    }

    /// The most urgent business, the first of several; `nil` where all is calm.
    var worst: BusinessReport? {
        byUrgency.first { $0.urgency > .calm }
    }

    /// Those that need attention first; the rest as they are.
    var byUrgency: [BusinessReport] {
        let order = businesses.indices.sorted {
            (businesses[$1].urgency, $0) < (businesses[$0].urgency, $1)
        }
        return order.map { businesses[$0] }
    }
}

extension StatusReport.DatabaseState {
    init(engine: EngineStatus?, part: StatusReport.DatabasePart) {
        age = part.age
        readProblem = part.problem
        sessionFor = engine?.databaseFor
        switch engine?.database {
        case .connected: isConnected = true
        case .connecting(let problem):
            isConnected = false
            self.problem = problem
        case nil:
            isConnected = part.overview != nil && part.problem == nil
            problem = part.problem
        }
    }
}
