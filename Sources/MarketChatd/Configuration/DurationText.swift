/// Durations as they are written in the configuration: `500ms`, `5s`, `15m`, `1h`, `90d`.
enum DurationText {
    /// Reads a whole number and a unit; `0` needs none. `nil` where the text is anything else or too large.
    static func parse(_ text: String) -> Duration? {
        let digits = text.utf8.prefix { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
        guard !digits.isEmpty, digits.count <= 12, let number = Int64(String(digits) ?? "") else { return nil }
        switch String(text.utf8.dropFirst(digits.count)) {
        case "ms": return .milliseconds(number)
        case "s": return .seconds(number)
        case "m": return .seconds(number * 60)
        case "h": return .seconds(number * 3600)
        case "d": return .seconds(number * 86_400)
        case "": return number == 0 ? .zero : nil
        default: return nil
        }
    }

    /// Writes a duration in the largest unit that divides it, to the millisecond.
    static func exact(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        let (seconds, rest) = milliseconds.quotientAndRemainder(dividingBy: 1000)
        guard rest == 0 else { return "\(milliseconds)ms" }
        if seconds == 0 { return "0" }
        if seconds % 86_400 == 0 { return "\(seconds / 86_400)d" }
        if seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        if seconds % 60 == 0 { return "\(seconds / 60)m" }
        return "\(seconds)s"
    }

    /// Writes a duration for people, in one or two units: `4 s`, `2 min`, `3 h 20 min`, `5 d`.
    static func rough(_ duration: Duration) -> String {
        let seconds = max(0, duration.components.seconds)
        switch seconds {
        case ..<120: return "\(seconds) s"
        case ..<7200: return "\(seconds / 60) min"
        case ..<172_800:
            let minutes = seconds % 3600 / 60
            return minutes == 0 ? "\(seconds / 3600) h" : "\(seconds / 3600) h \(minutes) min"
        default: return "\(seconds / 86_400) d"
        }
    }
}

extension Duration {
    /// Rounded toward zero.
    var wholeMilliseconds: Int64 {
        components.seconds * 1000 + components.attoseconds / 1_000_000_000_000_000
    }

    /// With its fraction, for metrics.
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
