import Glibc
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import TestSupport
import Testing

/// A daemon that has nothing to do.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct IdleTests {
    private static let interval = Duration.milliseconds(500)

    @Test func anIdleDaemonAsksNoOftenerThanThePollIntervalAndUsesNoProcessor() async throws {
        let database = try await TestDatabase.make()
        let cluster = database.cluster
        try await database.run("ALTER DATABASE \(database.name) SET log_statement = 'all'")
        try await withSandbox { sandbox in
            let settings = DaemonSettings.run(
                database, sandbox, businesses: [11, 12, 13], ["CHATD_POLL_INTERVAL": "500ms"])
            try await withDaemon(settings) { daemon in
                // It has worked, and sleeps again.
                try await database.insert(1...3)
                try await database.untilSettled()
                try await waitUntil("it sleeps") {
                    try await daemon.get("/status.json").body.ranges(of: #""is_asleep":true"#).count == 3
                }
                let pids = try await database.rows(
                    """
                    SELECT pid FROM pg_stat_activity
                    WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
                    """
                ).map { try $0.decode("pid", as: Int32.self) }
                #expect(!pids.isEmpty)
                let before = try statements(of: pids, in: cluster).count
                let start = ContinuousClock.now
                let usedBefore = try cpuTime(of: daemon.pid)
                try await waitUntil("it polls some more times", every: .milliseconds(50)) {
                    try statements(of: pids, in: cluster).count >= before + 5
                }
                let elapsed = ContinuousClock.now - start
                let used = try cpuTime(of: daemon.pid) - usedBefore
                // 5 statements are 4 intervals apart at least.
                #expect(elapsed >= Self.interval * 4 - .milliseconds(100), "5 statements within \(elapsed)")
                #expect(used <= elapsed / 20, "\(used) of processor time within \(elapsed)")
            }
        }
    }

    /// The lines of the server's log that tell of a statement of these processes.
    private func statements(of pids: [Int32], in cluster: PrivatePostgres) throws -> [Substring] {
        let markers = pids.map { "[\($0)] LOG:  " }
        return try TextFile.read(cluster.logFile).split(separator: "\n").filter { line in
            (line.contains("LOG:  execute ") || line.contains("LOG:  statement: "))
                && markers.contains { line.contains($0) }
        }
    }

    /// User and system time together. Source: proc(5).
    private func cpuTime(of pid: pid_t) throws -> Duration {
        let text = try TextFile.read("/proc/\(pid)/stat")
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        let ticks = (Int(fields[12]) ?? 0) + (Int(fields[13]) ?? 0)
        return .seconds(1) * ticks / sysconf(CInt(_SC_CLK_TCK))
    }
}
