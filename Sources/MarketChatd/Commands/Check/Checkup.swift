import ChatOutbox
import MarketAPI

/// Looks at all that the daemon needs, one thing after the other.
struct Checkup {
    let loader: EnvironmentLoader
    /// Told each line as soon as it is known.
    let tell: (CheckLine) -> Void
    private(set) var lines: [CheckLine] = []

    init(loader: EnvironmentLoader, tell: @escaping (CheckLine) -> Void) {
        self.loader = loader
        self.tell = tell
    }

    /// The exit code; `nil`: all is well.
    var failure: ExitStatus? {
        let problems = lines.compactMap(\.problem)
        // What has to be mended first comes first.
        return [.configuration, .noPermission, .failed].first(where: problems.contains)
    }

    mutating func run(isOffline: Bool) async {
        let configuration = readConfiguration(isOffline: isOffline)
        guard !isOffline else { return }
        await checkDatabase(configuration)
        if let configuration {
            await checkMarket(configuration)
        } else {
            skip(["API key", "cabinets"], until: "the configuration is mended")
        }
    }

    /// Else it would look as if all that is told were all that there is.
    private mutating func skip(_ names: [String], until what: String) {
        for name in names { add(.skipped(name, "not looked at until \(what)")) }
    }

    private mutating func add(_ line: CheckLine) {
        lines.append(line)
        tell(line)
    }

    // MARK: Configuration

    private mutating func readConfiguration(isOffline: Bool) -> Configuration? {
        for warning in loader.warnings { add(.ok("environment file", "\(warning) (a warning)")) }
        do throws(ConfigurationErrors) {
            let configuration = try Configuration.read(
                environment: loader.environment, reader: .disk,
                // A command of the unit's own, which is told the daemon's process, is shown no credentials.
                seesCredentials: !isOffline || loader.environment["MAINPID"] == nil)
            for warning in configuration.warnings { add(.ok("configuration", "\(warning) (a warning)")) }
            add(.ok("configuration", "\(counted(configuration.businessIDs.count, "cabinet")), the keys can be read"))
            return configuration
        } catch {
            for mistake in error.mistakes {
                add(.bad("configuration", .configuration, "\(mistake.key) \(mistake.cause)", cure: mistake.cure))
            }
            for warning in error.warnings { add(.ok("configuration", "\(warning) (a warning)")) }
            if let hidden = loader.hiddenStandardFile {
                add(.bad("environment file", .configuration, hidden, cure: "sudo market-chatd check"))
            }
            return nil
        }
    }

    // MARK: Database

    private mutating func checkDatabase(_ configuration: Configuration?) async {
        if let hidden = loader.hiddenDatabase {
            add(.bad("database", hidden.status, hidden.messages.joined(separator: "; ")))
            return skip(["schema", "privileges", "session"], until: "the database is known")
        }
        guard let database = try? DatabaseConfiguration.read(environment: loader.environment) else {
            return skip(["database", "schema", "privileges", "session"], until: "the configuration is mended")
        }
        let connectionString = database.databaseURL.revealed()
        do throws(OperatorError) {
            let (place, fit) = try await OperatorSession.with(connectionString, isReadOnly: true) {
                session throws(OperatorError) in
                (session.place, try await Self.fit(session))
            }
            add(.ok("database", "\(place), PostgreSQL \(place.serverVersion)"))
            switch fit {
            case .fit(let version): add(.ok("schema", "market_chat, version \(version)"))
            case .unfit(let flaw):
                add(.bad("schema", .configuration, "\(place): \(flaw.cause)", cure: flaw.cure))
                return skip(["privileges", "session"], until: "the schema is as it has to be")
            case nil: skip(["schema"], until: "the role may read it")
            }
        } catch {
            var line = CheckLine(error, name: "database")
            if connectionString.isEmpty, case .unavailable = error {
                line.cure = "set DATABASE_URL: without it libpq's own defaults apply, and PG… variables"
            }
            add(line)
            return skip(["schema", "privileges", "session"], until: "the database can be used")
        }
        await openSession(connectionString, deletesSettledRows: configuration?.retention != nil)
    }

    /// `nil` where the role may not ask: which privileges it lacks is told by the session that is opened then.
    private static func fit(_ session: OperatorSession) async throws(OperatorError) -> SchemaFit? {
        if session.place.hasSchema, !session.place.mayUseSchema { return nil }
        do throws(OperatorError) {
            return try await session.schemaFit()
        } catch .notPermitted {
            return nil
        }
    }

    /// As the daemon itself opens it: with its privileges, and through whatever stands between.
    private mutating func openSession(_ connectionString: String, deletesSettledRows: Bool) async {
        let outbox = PostgresOutbox(
            PostgresOutbox.Configuration(
                connectionString: connectionString, pollInterval: .seconds(10),
                deletesSettledRows: deletesSettledRows))
        do throws(OutboxError) {
            await (try outbox.openSession()).close()
            add(.ok("privileges", "the role has all that the daemon needs"))
            add(.ok("session", "nothing stands between that would take it away"))
        } catch {
            if case .notPermitted = error {
                add(CheckLine(error, name: "privileges"))
                skip(["session"], until: "the role has its privileges")
            } else {
                skip(["privileges"], until: "a session can be opened")
                add(CheckLine(error, name: "session"))
            }
        }
        await outbox.close()
    }

    // MARK: Market

    private mutating func checkMarket(_ configuration: Configuration) async {
        let client: HTTPMarketClient
        do throws(CommandFailure) {
            let keys = configuration.keys
            client = HTTPMarketClient(configuration: try configuration.marketClient()) { keys.credential(for: $0) }
        } catch {
            add(.bad("Market", error.status, error.messages.joined(separator: "; ")))
            return skip(["API key", "cabinets"], until: "the Market can be asked")
        }
        // One of each key: many cabinets may share one.
        var groups: [(credential: MarketCredential, businessIDs: [Int64])] = []
        for businessID in configuration.businessIDs {
            guard let credential = configuration.keys.credential(for: businessID) else { continue }
            if let index = groups.firstIndex(where: { $0.credential == credential }) {
                groups[index].businessIDs.append(businessID)
            } else {
                groups.append((credential, [businessID]))
            }
        }
        for group in groups {
            for line in await MarketCheckup(client: client, businessIDs: group.businessIDs)
                .lines(isOAuth: group.credential.isOAuth)
            {
                add(line)
            }
        }
        await client.shutdown()
    }
}

extension CheckLine {
    init(_ error: OperatorError, name: String) {
        self.init(name, CommandFailure(error), error.diagnosis, error.text)
        if case .unavailable = error { cure = "start the server, or mend host and port in DATABASE_URL" }
    }

    init(_ error: OutboxError, name: String) {
        self.init(name, CommandFailure(error), error.diagnosis, error.text)
    }

    private init(_ name: String, _ failure: CommandFailure, _ diagnosis: Diagnosis?, _ text: String) {
        self = .bad(name, failure.status, diagnosis?.cause ?? text, cure: diagnosis?.cure)
    }
}

extension MarketCredential {
    fileprivate var isOAuth: Bool {
        if case .oauthToken = self { true } else { false }
    }
}

extension EnvironmentLoader {
    /// Why it is not known which database is meant.
    fileprivate var hiddenDatabase: CommandFailure? {
        do throws(CommandFailure) {
            try requireDatabase()
            return nil
        } catch {
            return error
        }
    }
}
