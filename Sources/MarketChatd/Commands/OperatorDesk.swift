import ArgumentParser
import ChatOutbox
import Glibc
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

/// A number as the Market and the outbox have them. For `transform:`.
///
/// - Throws: `ValidationError`.
func identifier(_ text: String) throws -> Int64 {
    guard let id = Int64(text), id >= 1 else {
        throw ValidationError("write a whole number from 1 to \(Int64.max)")
    }
    return id
}

/// Several of them: `1`, `1,2,3`.
struct IdentifierList: Sendable, Equatable {
    var ids: [Int64]

    /// - Throws: `ValidationError`.
    init(_ text: String) throws {
        ids = try text.split(separator: ",", omittingEmptySubsequences: false).map { try identifier(String($0)) }
    }

    /// Each once, in their order.
    static func distinct(_ lists: [IdentifierList]) -> [Int64] {
        var seen: Set<Int64> = []
        return lists.flatMap(\.ids).filter { seen.insert($0).inserted }
    }

    /// Arguments in which numbers that follow each other are one list: the parser's time grows with the square of the
    /// arguments' number (a minute for 10,000 of them, unoptimised).
    static func joined(_ arguments: [String]) -> [String] {
        var result: [String] = []
        var run: [String] = []
        for argument in arguments {
            if !argument.isEmpty, argument.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) {
                run.append(argument)
            } else {
                if !run.isEmpty { result.append(run.joined(separator: ",")) }
                run = []
                result.append(argument)
            }
        }
        if !run.isEmpty { result.append(run.joined(separator: ",")) }
        return result
    }
}
