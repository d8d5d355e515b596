import ArgumentParser
import ChatOutbox
import MarketAPI

/// `market-chatd migrate`: the schema.
struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate",
        abstract: "Create the schema market_chat, or upgrade it.",
        discussion: """
            It is safe to run twice, from two machines at once, and while daemons and producers are at work: it waits for \
            a table's lock for a moment only, and tries again. A step that fails leaves a schema that goes on working.

            Of the configuration only DATABASE_URL is needed; its role must be allowed to create a schema in the \
            database (GRANT CREATE ON DATABASE), or own the schema. The daemon itself can do with less: see \
            roles.sql among the examples (/usr/share/doc/market-chatd/examples).

            EXAMPLES
              sudo -u postgres env DATABASE_URL='dbname=shop' market-chatd migrate
              sudo market-chatd migrate --check      does this program need it? The daemon's own role will do

            EXIT CODES
              0   done; with --check: this program works with the schema
              1   the database is away
              2   with --check only: the schema or this program has to be upgraded first
              77  a privilege is missing
              78  configuration
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Flag(help: "Change nothing: only say whether there is anything to do.")
    var check = false

    func run() async throws {
        try await environmentOptions.load { loader throws(CommandFailure) in
            let configuration = try loader.configuration { environment throws(ConfigurationErrors) in
                try DatabaseConfiguration.read(environment: environment)
            }
            try loader.requireDatabase()
            for warning in loader.warnings + configuration.warnings.map(\.description) {
                LineWriter.standardError.write("market-chatd: warning: \(warning)\n")
            }
            if check { return try await Self.check(configuration) }
            do throws(MigrationError) {
                let migrator = SchemaMigrator(connectionString: configuration.databaseURL.revealed()) { line in
                    LineWriter.standardError.write("market-chatd: \(line)\n")
                }
                let report = try await migrator.migrate()
                StandardOutput.shared.write("\(report.place): \(Self.text(of: report))\n")
            } catch {
                throw CommandFailure(error)
            }
        }
    }

    private static func check(_ configuration: DatabaseConfiguration) async throws(CommandFailure) {
        let place: DatabasePlace
        let fit: SchemaFit
        do throws(OperatorError) {
            (place, fit) = try await OperatorSession.with(configuration.databaseURL.revealed(), isReadOnly: true) {
                session throws(OperatorError) in (session.place, try await session.schemaFit())
            }
        } catch {
            throw CommandFailure(error)
        }
        switch fit {
        case .fit(let version):
            StandardOutput.shared.write("\(place): The schema market_chat is of version \(version).\n")
        case .unfit(let flaw): throw CommandFailure(.schemaUnfit, ["\(place): \(flaw)"])
        }
    }

    static func text(of report: SchemaMigrator.Report) -> String {
        if report.before == report.after { return "The schema market_chat is of version \(report.after) already." }
        if report.before == 0 { return "The schema market_chat was created, version \(report.after)." }
        return "The schema market_chat was upgraded from version \(report.before) to \(report.after)."
    }
}

extension CommandFailure {
    init(_ error: MigrationError) {
        switch error {
        case .unavailable(let text): self.init(.failed, ["The database is not available: \(text)"])
        case .unusable(let diagnosis): self.init(.configuration, ["\(diagnosis)"])
        case .notPermitted(let diagnosis): self.init(.noPermission, ["\(diagnosis)"])
        }
    }
}
