import Glibc

/// A moment of the calendar, for people who read logs. Nothing is decided by it.
struct WallTime: Sendable, Equatable {
    /// Since 1970-01-01 UTC.
    var seconds: Int64
    var milliseconds: Int

    init(seconds: Int64, milliseconds: Int = 0) {
        self.seconds = seconds
        self.milliseconds = milliseconds
    }

    static var now: WallTime {
        var time = timeval()
        gettimeofday(&time, nil)
        return WallTime(seconds: Int64(time.tv_sec), milliseconds: Int(time.tv_usec) / 1000)
    }

    /// `2026-09-09T15:18:00.123Z`.
    var rfc3339: String {
        var time = time_t(seconds)
        var parts = tm()
        gmtime_r(&time, &parts)
        let date = "\(parts.tm_year + 1900)-\(Self.padded(parts.tm_mon + 1))-\(Self.padded(parts.tm_mday))"
        let clock = "\(Self.padded(parts.tm_hour)):\(Self.padded(parts.tm_min)):\(Self.padded(parts.tm_sec))"
        return "\(date)T\(clock).\(Self.padded(Int32(milliseconds), to: 3))Z"
    }

    /// `15:00` in the machine's own zone, or `15:00:30` where the minute is not a whole one.
    var localTimeOfDay: String {
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        let minutes = "\(Self.padded(parts.tm_hour)):\(Self.padded(parts.tm_min))"
        return parts.tm_sec == 0 ? minutes : "\(minutes):\(Self.padded(parts.tm_sec))"
    }

    /// Seconds since 1970, with a fraction.
    var sinceEpoch: Double { Double(seconds) + Double(milliseconds) / 1000 }

    /// What the machine's own zone is ahead of UTC, such as `+03:00`.
    var localOffset: String {
        var time = time_t(seconds)
        var parts = tm()
        localtime_r(&time, &parts)
        let minutes = Int32(abs(parts.tm_gmtoff) / 60)
        return "\(parts.tm_gmtoff < 0 ? "−" : "+")\(Self.padded(minutes / 60)):\(Self.padded(minutes % 60))"
    }

    func advanced(by duration: Duration) -> WallTime {
        let total = seconds * 1000 + Int64(milliseconds) + duration.wholeMilliseconds
        return WallTime(seconds: total / 1000, milliseconds: Int(total % 1000))
    }

    private static func padded(_ number: Int32, to width: Int = 2) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
