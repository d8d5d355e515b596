import FoundationEssentials

/// The report for a program: `--json`.
struct SummaryDocument: Encodable, Sendable {
    var ok: Bool
    var seed: UInt64
    var seconds: Double
    var businesses: [Business]
    var troubles: [String: Int]
    var checks: [CheckEntry]

    struct Business: Encodable, Sendable {
        var businessId: Int64
        var orders: Counts
        var returns: Counts
        var requests: Int
    }

    struct Counts: Encodable, Sendable {
        var created: Int
        var rejected: Int
        var pending: Int

        init(_ counts: Report.Counts) {
            (created, rejected, pending) = (counts.created, counts.rejected, counts.pending)
        }
    }

    struct CheckEntry: Encodable, Sendable {
        var name: String
        var ok: Bool
        var extent: String
        var problems: [String]
    }

    init(_ report: Report) {
        ok = report.holds
        seed = report.seed
        seconds = report.duration / .seconds(1)
        businesses = report.businesses.map {
            Business(
                businessId: $0.id, orders: Counts($0.orders), returns: Counts($0.returns), requests: $0.requests)
        }
        troubles = Dictionary(uniqueKeysWithValues: report.troubles.map { ($0.name, $0.count) })
        checks = report.checks.map {
            CheckEntry(name: $0.name, ok: $0.holds, extent: $0.extent, problems: $0.problems)
        }
    }

    func text() throws -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(self), as: UTF8.self) + "\n"
    }
}
