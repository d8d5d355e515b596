import ArgumentParser
import MarketSandbox

struct LimitOptions: ParsableArguments {
    @Option(help: "Requests per window and business.") var quota = 1000
    @Option(help: .init("The length of the windows, which start at whole multiples of it.", valueName: "TIME"))
    var window = "1h"
    @Option(help: "Requests in flight per business.") var parallel = 4
    @Option(help: .init("What every answer takes at least.", valueName: "TIME")) var latency = "0s"
    @Option(help: .init("What takes longer is answered 504.", valueName: "TIME")) var serverTimeout = "10s"
    @Option(help: .init("Another integration spends so many requests of each quota.", valueName: "N/s"))
    var sharedTraffic = "0/s"
    @Option(help: "Another integration holds so many of the parallel requests.") var sharedParallel = 0
    @Flag(help: "A 420 for too many parallel requests spends quota as well.") var parallelRefusalSpends = false
    @Option(
        parsing: .unconditional, help: .init("How far the Market's clock is ahead; -5s: behind.", valueName: "TIME"))
    var clockOffset = "0s"

    func apply(to options: inout SandboxOptions) throws {
        guard quota >= 1 else { throw ValidationError("--quota \(quota): give 1 or more requests") }
        guard parallel >= 1 else { throw ValidationError("--parallel \(parallel): give 1 or more requests") }
        guard (0..<parallel).contains(sharedParallel) else {
            throw ValidationError("--shared-parallel \(sharedParallel): give 0 or more, and fewer than --parallel")
        }
        options.quota = quota
        options.parallel = parallel
        options.sharedParallel = sharedParallel
        options.window = try duration(window, of: "--window")
        guard options.window > .zero else { throw ValidationError("--window \(window): give more than 0, such as 10s") }
        options.latency = try duration(latency, of: "--latency")
        options.serverTimeout = try duration(serverTimeout, of: "--server-timeout")
        options.parallelRefusalSpends = parallelRefusalSpends
        let isBehind = clockOffset.hasPrefix("-")
        let offset = try duration(isBehind ? String(clockOffset.dropFirst()) : clockOffset, of: "--clock-offset")
        options.clockOffset = isBehind ? .zero - offset : offset
        let rate = sharedTraffic.hasSuffix("/s") ? String(sharedTraffic.dropLast(2)) : sharedTraffic
        guard let rate = Double(rate), (0...1e6).contains(rate) else {
            throw ValidationError("--shared-traffic \(sharedTraffic): give requests a second, such as 0.5/s")
        }
        options.sharedRequestsPerSecond = rate
    }
}

/// `500ms`, `5s`, `15m` or `1h`.
func duration(_ text: String, of option: String) throws -> Duration {
    let units: [(name: String, milliseconds: Int64)] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)]
    for (name, factor) in units where text.hasSuffix(name) {
        if let count = Int64(text.dropLast(name.count)), (0...1_000_000_000).contains(count) {
            return .milliseconds(count * factor)
        }
    }
    throw ValidationError("\(option) \(text): write a time as 500ms, 5s, 15m or 1h")
}
