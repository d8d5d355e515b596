import Dispatch
import Glibc

/// systemd's demand for a sign of life. Source: sd_watchdog_enabled(3).
enum SystemdWatchdog {
    /// How often to say that all is well: at half of the time after which systemd would act. `nil` where it does not ask,
    /// or asks another process.
    static func pingInterval(environment: [String: String], processID: Int32 = getpid()) -> Duration? {
        guard let text = environment["WATCHDOG_USEC"], let microseconds = Int64(text), microseconds > 0 else {
            return nil
        }
        if let wanted = environment["WATCHDOG_PID"], Int32(wanted) != processID { return nil }
        return .microseconds(microseconds / 2)
    }
}
