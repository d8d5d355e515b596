import ArgumentParser
import MarketSandbox

struct FaultOptions: ParsableArguments {
    @Option(help: .init("Every fault below at this share, unless given itself.", valueName: "SHARE"))
    var faults: Double?
    @Option(name: .customLong("fault-500"), help: .init("500.", valueName: "SHARE")) var error500: Double?
    @Option(name: .customLong("fault-502"), help: .init("502 with a page of HTML.", valueName: "SHARE"))
    var error502: Double?
    @Option(name: .customLong("fault-503"), help: .init("503.", valueName: "SHARE")) var error503: Double?
    @Option(name: .customLong("fault-504"), help: .init("504, though the chat was created.", valueName: "SHARE"))
    var error504: Double?
    @Option(
        name: .customLong("fault-reset"),
        help: .init("Reset the connection: half before the work, half after it.", valueName: "SHARE"))
    var reset: Double?
    @Option(
        name: .customLong("fault-lost"), help: .init("Reset the connection after the work only.", valueName: "SHARE"))
    var lost: Double?
    @Option(
        name: .customLong("fault-malformed"),
        help: .init("200 with a body that cannot be used: 17 kinds of it.", valueName: "SHARE"))
    var malformed: Double?
    @Option(
        name: .customLong("fault-redirect"),
        help: .init("302 to a trap that counts who follows, and with a key.", valueName: "SHARE"))
    var redirect: Double?
    @Option(name: .customLong("fault-slow"), help: .init("Slow answers, 3s or so much.", valueName: "SHARE[:TIME]"))
    var slow: String?
    @Option(help: .init("Nothing works: unavailable, reset or hang.", valueName: "HOW")) var outage: String?
    @Option(help: .init("Errors in the older shape.", valueName: "SHARE")) var oldErrors = 0.0
    @Option(help: .init("Orders and returns that are never found.", valueName: "SHARE")) var missing = 0.0
    @Option(
        help: .init(
            "Those that are found at last: after so many lookups, or so long.", valueName: "SHARE:N|SHARE:TIME"))
    var late: String?
    @Option(
        help: .init("One that is never found, or late. May be repeated.", valueName: "ID[:N|:TIME]"))
    var missingId: [String] = []
    @Option(
        help: .init(
            "Orders, returns or any that are always answered badly: with a status (400 to 599), malformed or reset. May be repeated; the first that fits counts.",
            valueName: "order|return|any:ID[-ID]:ANSWER[:RETRY-AFTER]"))
    var bad: [String] = []

    func apply(to options: inout SandboxOptions) throws {
        var faults = self.faults.map { SandboxFaults.all(share: $0) } ?? SandboxFaults()
        if let error500 { faults.error500 = error500 }
        if let error502 { faults.error502 = error502 }
        if let error503 { faults.error503 = error503 }
        if let error504 { faults.error504 = error504 }
        if let reset { (faults.resetBefore, faults.resetAfter) = (reset / 2, reset / 2) }
        if let lost { faults.resetAfter = lost }
        if let malformed { faults.malformed = malformed }
        if let redirect { faults.redirect = redirect }
        if let slow {
            let (share, time) = try Self.shareAndRest(slow, of: "--fault-slow")
            faults.slow = share
            faults.slowMilliseconds = try time.map { try duration($0, of: "--fault-slow") / .milliseconds(1) } ?? 3000
        }
        if let problem = faults.problem {
            throw ValidationError("--fault-…: \(problem); give shares such as 0.05, together at most 1")
        }
        options.faults = faults
        options.oldErrorShape = try share(oldErrors, of: "--old-errors")
        if let outage {
            guard let outage = SandboxOutage(rawValue: outage) else {
                throw ValidationError("--outage \(outage): give unavailable, reset or hang")
            }
            options.outage = outage
        }
        try applyMissing(to: &options)
        options.bad = try bad.map(Self.badRule)
    }

    private static func badRule(_ text: String) throws -> SandboxBadRule {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let types: [Substring: SandboxContext.Kind?] = ["order": .order, "return": .return, "any": nil]
        let ids = parts.dropFirst().first?.split(separator: "-", omittingEmptySubsequences: false).map { Int64($0) }
        guard (3...4).contains(parts.count), let type = types[parts[0]], let ids, ids.count <= 2,
            let from = ids[0], let to = ids[ids.count - 1], from <= to,
            let answer = SandboxBadRule.Answer(rawValue: String(parts[2]))
        else {
            throw ValidationError(
                "--bad \(text): write it as order:1-30:500, return:7:malformed, any:8:reset or any:9:503:8s")
        }
        var rule = SandboxBadRule(from...to, answer, type: type)
        if parts.count == 4 {
            let seconds = try duration(String(parts[3]), of: "--bad") / .seconds(1)
            guard let seconds = Int(exactly: seconds) else {
                throw ValidationError("--bad \(text): Retry-After is told in whole seconds, such as 8s")
            }
            rule.retryAfterSeconds = seconds
        }
        if let problem = rule.problem { throw ValidationError("--bad \(text): \(problem)") }
        return rule
    }

    private func applyMissing(to options: inout SandboxOptions) throws {
        options.missing.neverShare = try share(missing, of: "--missing")
        if let late {
            let (share, rule) = try Self.shareAndRest(late, of: "--late")
            options.missing.lateShare = share
            if let rule { options.missing.lateRule = try Self.rule(rule, of: "--late") }
        }
        guard options.missing.neverShare + options.missing.lateShare <= 1 else {
            throw ValidationError("--missing and --late: together they are more than 1; give smaller shares")
        }
        for text in missingId {
            let parts = text.split(separator: ":", maxSplits: 1)
            guard let id = parts.first.flatMap({ Int64($0) }), id >= 1 else {
                throw ValidationError("--missing-id \(text): it begins with an id of 1 or more, such as 17 or 17:5s")
            }
            options.missing.ids[id] = parts.count == 2 ? try Self.rule(String(parts[1]), of: "--missing-id") : .never
        }
    }

    private func share(_ value: Double, of option: String) throws -> Double {
        guard (0...1).contains(value) else { throw ValidationError("\(option) \(value): give a share from 0 to 1") }
        return value
    }

    private static func shareAndRest(_ text: String, of option: String) throws -> (Double, String?) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let share = Double(parts[0]), (0...1).contains(share) else {
            throw ValidationError("\(option) \(text): it begins with a share from 0 to 1, such as 0.05")
        }
        return (share, parts.count == 2 ? String(parts[1]) : nil)
    }

    private static func rule(_ text: String, of option: String) throws -> MissingRule {
        guard let lookups = Int(text) else { return .untilElapsed(try duration(text, of: option)) }
        guard lookups >= 1 else {
            throw ValidationError("\(option) \(text): give 1 or more lookups, or a time like 5s")
        }
        return .untilAsked(lookups)
    }
}
