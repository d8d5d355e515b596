import Glibc
import Harness
import LibPQ
import MarketSandbox
import PrivatePostgres
import Subprocess
import Testing

/// Measurements, one at a time: they want the machine for themselves. Each prints one line.
///
///     CHATD_BENCHMARK=1 swift test --filter Benchmarks
///
/// `CHATD_BENCHMARK_DAEMON` names another `market-chatd` than the one beside the tests, such as that of a release build.
@Suite(.serialized, .enabled(if: Benchmark.isOn), .timeLimit(.minutes(10))) struct Benchmarks {}

enum Benchmark {
    static var isOn: Bool { variable("CHATD_BENCHMARK") != nil }

    static var program: String? { variable("CHATD_BENCHMARK_DAEMON") }

    private static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }

    static func tell(_ name: String, _ figures: String) {
        print("benchmark \(name): \(figures)")
    }

    /// A Market that is never in the way.
    static var market: SandboxOptions {
        var options = SandboxOptions()
        options.quota = 100_000_000
        return options
    }

    /// A server whose commits reach the disk, for `body` alone.
    static func withDatabase(_ body: (TestDatabase) async throws -> Void) async throws {
        let cluster = try await PrivatePostgres.start(fsync: true, extraSettings: ["shared_buffers": "256MB"])
        do {
            let database = try await TestDatabase.make(in: cluster)
            // Nobody's trigger is to be measured but the daemon's own.
            try await database.run("DROP TRIGGER remember ON market_chat.outbox")
            try await body(database)
            await database.connection.close()
            await cluster.stopAndRemove()
        } catch {
            await cluster.stopAndRemove()
            throw error
        }
    }

    static func settings(
        _ database: TestDatabase, _ sandbox: MarketSandboxServer, businesses: [Int64] = [11],
        _ more: [String: String] = [:]
    ) -> DaemonSettings {
        var settings = DaemonSettings.run(
            database, sandbox, businesses: businesses,
            ["CHATD_POLL_INTERVAL": "10s", "CHATD_LOG_LEVEL": "notice"].merging(more) { $1 })
        settings.program = program
        return settings
    }

    /// Waits until the daemon has nothing to do.
    static func untilAsleep(_ daemon: DaemonProcess) async throws {
        try await waitUntil("it sleeps") {
            try await daemon.get("/status.json").body.contains(#""is_asleep":true"#)
        }
    }
}

/// What a process uses. Source: proc(5).
struct ProcessUse: Sendable {
    var cpuSeconds: Double
    /// The most so far, in bytes.
    var peakResidentBytes: Int
    var residentBytes: Int

    init(of pid: pid_t) throws {
        let text = try TextFile.read("/proc/\(pid)/stat")
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        let ticks = (Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)
        cpuSeconds = ticks / Double(sysconf(CInt(_SC_CLK_TCK)))
        let status = try TextFile.read("/proc/\(pid)/status").split(separator: "\n")
        func kilobytes(_ name: String) -> Int {
            let line = status.first { $0.hasPrefix("\(name):") }
            return line?.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
        }
        peakResidentBytes = kilobytes("VmHWM") * 1024
        residentBytes = kilobytes("VmRSS") * 1024
    }

    var memory: String {
        "\((Double(residentBytes) / 1e6).tenths) MB resident, \((Double(peakResidentBytes) / 1e6).tenths) MB at most"
    }
}

/// Times in nanoseconds.
struct Times: Sendable {
    var nanoseconds: [Int64] = []

    /// The time that this share of all does not exceed, in milliseconds.
    func milliseconds(_ share: Double) -> Double {
        let sorted = nanoseconds.sorted()
        guard !sorted.isEmpty else { return .nan }
        let rank = Int((share * Double(sorted.count)).rounded(.up)) - 1
        return Double(sorted[min(max(rank, 0), sorted.count - 1)]) / 1e6
    }

    var figures: String {
        "median \(milliseconds(0.5).thousandths) ms, p99 \(milliseconds(0.99).thousandths) ms, "
            + "max \(milliseconds(1).thousandths) ms (\(nanoseconds.count) times)"
    }
}

extension Double {
    var tenths: String { "\((self * 10).rounded() / 10)" }
    var thousandths: String { "\((self * 1000).rounded() / 1000)" }
}
