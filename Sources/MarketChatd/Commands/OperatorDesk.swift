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
            for warning in loader.warnings + configuration.warnings.map(\.description) {
                LineWriter.standardError.write("market-chatd: warning: \(warning)\n")
            }
            do throws(CommandFailure) {
                try await Self.work(work, url: configuration.databaseURL.revealed(), isReadOnly: isReadOnly, loader)
            } catch {
                guard let hint = Self.hint(loader) else { throw error }
                throw CommandFailure(error.status, error.messages + [hint])
            }
        }
    }

    private static func work(
        _ work: (OperatorDesk) async throws(CommandFailure) -> Void, url: String, isReadOnly: Bool,
        _ loader: EnvironmentLoader
    ) async throws(CommandFailure) {
        let session: OperatorSession
        do {
            session = try await OperatorSession.open(url, isReadOnly: isReadOnly)
        } catch {
            throw CommandFailure(error)
        }
        let desk = OperatorDesk(
            session: session, output: .standard(environment: loader.environment), environment: loader.environment)
        do throws(CommandFailure) {
            try await work(desk)
        } catch {
            await session.close()
            throw error
        }
        await session.close()
    }

    /// Whoever cannot read the standard file reaches, by libpq's defaults, a database that nobody meant.
    static func hint(_ loader: EnvironmentLoader) -> String? {
        guard loader.environment[ConfigurationKey.databaseURL.rawValue]?.isEmpty ?? true,
            let hidden = loader.hiddenStandardFile
        else { return nil }
        return "DATABASE_URL is not set, and \(hidden): run it with sudo, or name another file with --env-file"
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
