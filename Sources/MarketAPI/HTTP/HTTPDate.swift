/// The dates of HTTP headers.
///
/// Source: RFC 9110, 5.6.7: `Wed, 09 Sep 2026 15:18:00 GMT`, and the two obsolete forms that a recipient has to accept,
/// `Wednesday, 09-Sep-26 15:18:00 GMT` and `Wed Sep  9 15:18:00 2026`.
enum HTTPDate {
    /// Seconds since 1970-01-01 UTC; `nil` where `text` is no such date.
    ///
    /// The name of the weekday is not checked: the vendor's own documentation has a wrong one.
    static func secondsSince1970(_ text: String) -> Int64? {
        guard text.utf8.count <= 64 else { return nil }
        let words = text.split { $0 == " " || $0 == "," || $0 == "-" }
        guard words.count == 6 || words.count == 5 else { return nil }
        let isAsctime = words.count == 5
        if !isAsctime, words[5] != "GMT", words[5] != "UTC" { return nil }
        let (dayWord, monthWord) = isAsctime ? (words[2], words[1]) : (words[1], words[2])
        let (yearWord, timeWord) = isAsctime ? (words[4], words[3]) : (words[3], words[4])
        guard let day = number(dayWord, digits: 1...2), let month = month(monthWord), let year = year(yearWord),
            let secondOfDay = secondOfDay(timeWord), 1...days(inMonth: month, of: year) ~= day
        else { return nil }
        return daysSince1970(year: year, month: month, day: day) * 86_400 + secondOfDay
    }

    private static func number(_ text: Substring, digits: ClosedRange<Int>) -> Int64? {
        guard digits ~= text.utf8.count, text.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
        return Int64(text)
    }

    private static func month(_ text: Substring) -> Int64? {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return names.firstIndex { $0 == text }.map { Int64($0) + 1 }
    }

    /// Two digits are the obsolete form: 70 to 99 are of the last century.
    private static func year(_ text: Substring) -> Int64? {
        if let year = number(text, digits: 4...4) { return year > 0 ? year : nil }
        return number(text, digits: 2...2).map { $0 < 70 ? 2000 + $0 : 1900 + $0 }
    }

    /// `hh:mm:ss`; a leap second counts into the next minute.
    private static func secondOfDay(_ text: Substring) -> Int64? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 3, let hour = number(parts[0], digits: 2...2),
            let minute = number(parts[1], digits: 2...2),
            let second = number(parts[2], digits: 2...2), hour < 24, minute < 60, second <= 60
        else { return nil }
        return hour * 3600 + minute * 60 + second
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Proleptic Gregorian calendar, with years that begin in March, so that the leap day is the last one.
    private static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month > 2 ? year : year - 1
        let dayOfMarchYear = (153 * ((month + 9) % 12) + 2) / 5 + day - 1
        let leapDays = marchYear / 4 - marchYear / 100 + marchYear / 400
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        return marchYear * 365 + leapDays + dayOfMarchYear - 719_468
    }
}
