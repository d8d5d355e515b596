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
        if let hidden = loader.hiddenDatabase {
            add(.bad("database", hidden.status, hidden.messages.joined(separator: "; ")))
        } else if let database = try? DatabaseConfiguration.read(environment: loader.environment) {
            await checkDatabase(database, configuration)
        }
        if let configuration { await checkMarket(configuration) }
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

    private mutating func checkDatabase(_ database: DatabaseConfiguration, _ configuration: Configuration?) async {
        do throws(OperatorError) {
            let place = try await OperatorSession.with(database.databaseURL.revealed()) { $0.place }
            add(.ok("database", "\(place), PostgreSQL \(place.serverVersion)"))
        } catch {
            var line = CheckLine(error, name: "database")
            if database.databaseURL.revealed().isEmpty {
                line.cure = "set DATABASE_URL: without it libpq's own defaults apply, and PG… variables"
            }
            add(line)
            return
        }
        // As the daemon itself opens its session: schema, privileges, and what stands between.
        let outbox = PostgresOutbox(
            PostgresOutbox.Configuration(
                connectionString: database.databaseURL.revealed(), pollInterval: .seconds(10),
                deletesSettledRows: configuration?.retention != nil))
        do throws(OutboxError) {
            await (try outbox.openSession()).close()
            add(
                .ok(
                    "session",
                    "the schema, the role's privileges and the way to the server are as the daemon needs them"))
        } catch {
            add(.bad("session", CommandFailure(error).status, error.text))
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
            return add(.bad("Market", error.status, error.messages.joined(separator: "; ")))
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
        let failure = CommandFailure(error)
        self = .bad(name, failure.status, failure.messages.joined(separator: "; "))
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
