import ArgumentParser

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
