import ChatOutbox
import MarketAPI

/// What an operator's command works with: a session, and where its words go.
struct OperatorDesk {
    let session: OperatorSession
    /// For the answer.
    let output: CommandOutput
    let environment: [String: String]

    /// For what is not the answer: warnings, and what was left out.
    func warn(_ text: String) { LineWriter.standardError.write("market-chatd: \(text)\n") }

    /// Turns the session's errors into the command's.
    func asking<Value>(
        _ body: () async throws(OperatorError) -> Value
    ) async throws(CommandFailure) -> Value {
        do {
            return try await body()
        } catch {
            throw CommandFailure(error)
        }
    }
}

extension EnvironmentOptions {
    /// Opens a session of an operator with what the configuration says of the database, and does `work` with it.
    ///
    /// - Parameter isReadOnly: whether a standby will do.
    func withDesk(
        isReadOnly: Bool = false, _ work: (OperatorDesk) async throws(CommandFailure) -> Void
    ) async throws {
        try await load { loader throws(CommandFailure) in
            let configuration = try loader.configuration { environment throws(ConfigurationErrors) in
                try DatabaseConfiguration.read(environment: environment)
            }
            try loader.requireDatabase()
            for warning in loader.warnings + configuration.warnings.map(\.description) {
                LineWriter.standardError.write("market-chatd: warning: \(warning)\n")
            }
            let result: Result<Void, CommandFailure>
            do throws(OperatorError) {
                result = try await OperatorSession.with(configuration.databaseURL.revealed(), isReadOnly: isReadOnly) {
                    session throws(OperatorError) in
                    let desk = OperatorDesk(
                        session: session, output: .standard(environment: loader.environment),
                        environment: loader.environment)
                    do throws(CommandFailure) {
                        return .success(try await work(desk))
                    } catch {
                        return .failure(error)
                    }
                }
            } catch {
                throw CommandFailure(error)
            }
            try result.get()
        }
    }
}
