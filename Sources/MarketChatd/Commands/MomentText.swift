/// A moment as ISO 8601 writes it, with its zone: `2026-11-27T12:00:00+03:00`, `2026-11-27 09:00Z`.
struct MomentText: Sendable, Equatable {
    /// Since 1970-01-01 UTC; from 1970 to 9999.
    var microseconds: Int64
    /// As every PostgreSQL reads it, whatever its settings.
    var sql: String

    /// Why a text is none; continues a sentence that begins with the text.
    struct Mistake: Error, Sendable, Equatable {
        var text: String
    }

    private static let form = "write a date, a time and a zone, such as 2026-11-27T12:00:00+03:00"

    init(parsing text: String) throws(Mistake) {
        var scanner = Scanner(rest: Array(text.utf8)[...])
        guard let year = scanner.digits(4), scanner.take("-"), let month = scanner.digits(2), scanner.take("-"),
            let day = scanner.digits(2), scanner.take("T") || scanner.take("t") || scanner.take(" "),
            let hour = scanner.digits(2), scanner.take(":"), let minute = scanner.digits(2)
        else { throw Mistake(text: "is no moment: \(Self.form)") }
        var second = 0
        var fraction = 0
        if scanner.take(":") {
            guard let digits = scanner.digits(2) else { throw Mistake(text: "is no moment: \(Self.form)") }
            second = digits
            if scanner.take(".") || scanner.take(",") {
                guard let digits = scanner.fraction() else { throw Mistake(text: "is no moment: \(Self.form)") }
                fraction = digits
            }
        }
        if scanner.isAtEnd { throw Mistake(text: "has no zone: add Z, or an offset such as +03:00") }
        guard let offset = scanner.offsetMinutes(), scanner.isAtEnd else {
            throw Mistake(text: "is no moment: \(Self.form)")
        }
        guard 1970...9999 ~= year, 1...12 ~= month, 1...Self.days(in: month, of: year) ~= day else {
            throw Mistake(text: "is no date of the years 1970 to 9999")
        }
        guard hour < 24, minute < 60, second < 60, abs(offset) < 16 * 60 else {
            throw Mistake(text: "is no time of a day, or no offset of a zone")
        }
        let minutes = (Self.dayNumber(year, month, day) * 24 + hour) * 60 + minute - offset
        microseconds = Int64(minutes * 60 + second) * 1_000_000 + Int64(fraction)
        let date = "\(year)-\(Self.padded(month))-\(Self.padded(day))"
        let time = "\(Self.padded(hour)):\(Self.padded(minute)):\(Self.padded(second)).\(Self.padded(fraction, to: 6))"
        let zone = "\(offset < 0 ? "-" : "+")\(Self.padded(abs(offset) / 60)):\(Self.padded(abs(offset) % 60))"
        sql = "\(date) \(time)\(zone)"
    }

    private static func days(in month: Int, of year: Int) -> Int {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01. Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", days_from_civil.
    private static func dayNumber(_ year: Int, _ month: Int, _ day: Int) -> Int {
        let year = month <= 2 ? year - 1 : year
        let era = year / 400
        let yearOfEra = year - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func padded(_ number: Int, to width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

extension MomentText {
    /// Reads a text from its front.
    private struct Scanner {
        var rest: ArraySlice<UInt8>

        var isAtEnd: Bool { rest.isEmpty }

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        /// Exactly so many digits.
        mutating func digits(_ count: Int) -> Int? {
            let found = rest.prefix(count)
            guard found.count == count, found.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
            rest = rest.dropFirst(count)
            return found.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }

        /// Microseconds; what is finer is cut.
        mutating func fraction() -> Int? {
            let found = rest.prefix { 0x30...0x39 ~= $0 }
            guard 1...9 ~= found.count else { return nil }
            rest = rest.dropFirst(found.count)
            return (Array(found) + Array(repeating: 0x30, count: 6)).prefix(6).reduce(0) { $0 * 10 + Int($1 - 0x30) }
        }

        /// `Z`, `+03`, `+0300`, `+03:00`.
        mutating func offsetMinutes() -> Int? {
            if take("Z") || take("z") { return 0 }
            let sign = take("+") ? 1 : take("-") ? -1 : 0
            guard sign != 0, let hours = digits(2) else { return nil }
            if isAtEnd { return sign * hours * 60 }
            _ = take(":")
            guard let minutes = digits(2), minutes < 60 else { return nil }
            return sign * (hours * 60 + minutes)
        }
    }
}
