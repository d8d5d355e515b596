import Glibc

/// What the process uses.
struct ProcessFacts: Sendable, Equatable {
    /// Since 1970, with a fraction.
    var startTimeSeconds: Double
    /// `nil` where `/proc` does not tell.
    var residentBytes: Int?
    var cpuSeconds: Double?
    var openFiles: Int?
    var mostFiles: Int?

    /// Of this process, now.
    static func current(startedAt start: WallTime) -> ProcessFacts {
        var usage = rusage()
        let cpu =
            getrusage(RUSAGE_SELF.rawValue, &usage) == 0 ? seconds(usage.ru_utime) + seconds(usage.ru_stime) : nil
        return ProcessFacts(
            startTimeSeconds: Double(start.seconds) + Double(start.milliseconds) / 1000, residentBytes: residentBytes(),
            cpuSeconds: cpu, openFiles: openFiles(), mostFiles: mostFiles())
    }

    private static func openFiles() -> Int? {
        guard let folder = opendir("/proc/self/fd") else { return nil }
        defer { closedir(folder) }
        var count = 0
        while readdir(folder) != nil { count += 1 }
        // Neither `.` nor `..`, nor the folder itself.
        return count - 3
    }

    private static func mostFiles() -> Int? {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return nil }
        return Int(clamping: limit.rlim_cur)
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) / 1e6
    }

    /// The second number of `/proc/self/statm`, in pages. Source: proc(5).
    private static func residentBytes() -> Int? {
        guard case .success(let contents) = FileReader.disk.contents(of: "/proc/self/statm", atMost: 4096) else {
            return nil
        }
        let numbers = String(decoding: contents.bytes, as: UTF8.self).split(separator: " ")
        guard numbers.count > 1, let pages = Int(numbers[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
