import Logging
import MarketAPI

/// Reads single values and gathers what is wrong with them. A value that is wrong is replaced by its default, so that the
/// reading goes on and finds the next mistake.
struct ConfigurationValues {
    let environment: [String: String]
    var mistakes: [ConfigurationMistake] = []
    var warnings: [ConfigurationWarning] = []
    /// Whether systemd shows its credentials to this process. A command of the unit, such as a reload's, sees none.
    let seesCredentials: Bool

    init(environment: [String: String], seesCredentials: Bool = true) {
        self.environment = environment
        self.seesCredentials = seesCredentials
    }

    /// An empty value counts as not set.
    func text(_ name: String) -> String? {
        environment[name].flatMap { $0.isEmpty ? nil : $0 }
    }

    func text(_ key: ConfigurationKey) -> String? {
        text(key.rawValue)
    }

    /// Throws all mistakes, if there are any.
    func finish<Value>(
        _ value: Value, warn: (inout Value, [ConfigurationWarning]) -> Void
    ) throws(ConfigurationErrors) -> Value {
        guard mistakes.isEmpty else { throw ConfigurationErrors(mistakes: mistakes, warnings: warnings) }
        var value = value
        warn(&value, warnings)
        return value
    }

    mutating func integer(_ key: ConfigurationKey, in range: ClosedRange<Int>) -> Int {
        let standard = key.defaultText.flatMap { Int($0) } ?? range.lowerBound
        guard let text = text(key) else { return standard }
        guard let number = Self.plainInteger(text) else {
            complain(key, "is \(shown(text)), not a whole number", cure: "write a number \(Self.words(range))")
            return standard
        }
        guard range ~= number else {
            complain(key, "is \(shown(text)), out of its range", cure: "write a number \(Self.words(range))")
            return standard
        }
        return number
    }

    mutating func duration(_ key: ConfigurationKey, in range: ClosedRange<Duration>) -> Duration {
        let standard = key.defaultText.flatMap(DurationText.parse) ?? range.lowerBound
        guard let text = text(key) else { return standard }
        let limits = "from \(DurationText.exact(range.lowerBound)) to \(DurationText.exact(range.upperBound))"
        guard let duration = DurationText.parse(text) else {
            complain(
                key, "is \(shown(text)), not a duration",
                cure: "write a whole number with ms, s, m, h or d, such as \(key.defaultText ?? "5s"), \(limits)")
            return standard
        }
        guard range ~= duration else {
            complain(key, "is \(shown(text)), out of its range", cure: "write a duration \(limits)")
            return standard
        }
        return duration
    }

    mutating func flag(_ key: ConfigurationKey) -> Bool {
        guard let text = text(key) else { return key.defaultText == "true" }
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default:
            complain(key, "is \(shown(text)), neither true nor false", cure: "write true or false")
            return false
        }
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ key: ConfigurationKey, standard: Choice) -> Choice
    where Choice.RawValue == String {
        guard let text = text(key) else { return standard }
        if let choice = Choice(rawValue: text.lowercased()) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        let hint = NearestName.among(names, to: text.lowercased()).map { " (did you mean \($0)?)" } ?? ""
        complain(
            key, "is \(shown(text)), which is not known", cure: "write one of \(names.joined(separator: ", "))\(hint)")
        return standard
    }

    mutating func logs() -> LogConfiguration {
        LogConfiguration(
            level: choice(.logLevel, standard: Logger.Level.info), format: choice(.logFormat, standard: .auto))
    }

    mutating func complain(_ key: ConfigurationKey, _ cause: String, cure: String) {
        mistakes.append(ConfigurationMistake(key, cause, cure: cure))
    }

    mutating func warn(_ key: String, _ text: String) {
        warnings.append(ConfigurationWarning(key: key, text: text))
    }

    /// A value in quotation marks. A key or a connection string that was put into the wrong variable does not show: what
    /// is long, or looks like one of them, is left out.
    func shown(_ text: String) -> String {
        let isSuspicious =
            text.utf8.count > 24 || text.contains("@") || text.contains("://") || text.uppercased().contains("ACMA")
            || text.lowercased().contains("password")
        return isSuspicious ? "a text that is not shown here" : "\"\(printable(text))\""
    }

    /// Digits alone, without a sign.
    static func plainInteger(_ text: String) -> Int? {
        text.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 } ? Int(text) : nil
    }

    private static func words(_ range: ClosedRange<Int>) -> String {
        "from \(range.lowerBound) to \(range.upperBound)"
    }
}
