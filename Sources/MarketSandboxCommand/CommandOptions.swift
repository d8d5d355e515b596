import ArgumentParser
import MarketSandbox

struct ListeningOptions: ParsableArguments {
    @Option(help: "The address to listen on. Anything but loopback lets strangers in.") var host = "127.0.0.1"
    @Option(help: "The port; 0: any free one.") var port = 0
    @Option(help: "What every chance is drawn from.") var seed: UInt64 = 1
    @Flag(help: "Keep connections open after an answer; the Market does not.") var keepAlive = false
    @Flag(name: .shortAndLong, help: "A line on standard error for each request.") var verbose = false

    func apply(to options: inout SandboxOptions) throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port \(port): give 1 to 65535, or 0 for any")
        }
        options.host = host
        options.port = port
        options.seed = seed
        options.keepAlive = keepAlive
    }
}

struct AccessOptions: ParsableArguments {
    @Option(
        help: .init(
            "A key, of these businesses where ids are named. May be repeated.", valueName: "[ID[,ID…]=]KEY"))
    var key: [String] = []
    @Option(help: .init("A key that was revoked. May be repeated.", valueName: "KEY")) var revokedKey: [String] = []
    @Option(help: .init("A deprecated OAuth token. May be repeated.", valueName: "TOKEN")) var oauthToken: [String] = []
    @Option(help: .init("The scopes of all keys, such as communication or pricing.", valueName: "SCOPE,…"))
    var scopes = "all-methods"
    @Option(
        help: .init(
            "A cabinet with its kinds of shops (fbs, fby, express, dbs), or locked out (denied, disabled, scope, migration). May be repeated.",
            valueName: "ID[:KIND[+KIND…]][:LOCK]"))
    var business: [String] = []
    @Flag(help: "Take the older orderId body, which the Market shut down on 2026-10-19.") var acceptOrderId = false

    func apply(to options: inout SandboxOptions) throws {
        let scopes = self.scopes.split(separator: ",").map {
            String($0.uppercased().map { $0 == "-" ? "_" : $0 })
        }
        options.keys = try key.map { try Self.key($0, scopes: scopes) }
        if key.isEmpty { options.keys = [SandboxKey(token: SandboxKey.defaultToken, scopes: scopes)] }
        options.keys += revokedKey.map { SandboxKey(token: $0, scopes: scopes, isRevoked: true) }
        options.keys += oauthToken.map { SandboxKey(token: $0, scopes: scopes, isOAuth: true) }
        options.businesses = try business.map(Self.business)
        if let twice = Dictionary(grouping: options.businesses, by: \.id).first(where: { $1.count > 1 }) {
            throw ValidationError("--business \(twice.key): it is named twice; join its kinds with +")
        }
        options.acceptsLegacyOrderID = acceptOrderId
    }

    private static func key(_ text: String, scopes: [String]) throws -> SandboxKey {
        guard let sign = text.firstIndex(of: "=") else { return SandboxKey(token: text, scopes: scopes) }
        let ids = text[..<sign].split(separator: ",", omittingEmptySubsequences: false).map { Int64($0) }
        let token = String(text[text.index(after: sign)...])
        guard !ids.isEmpty, !token.isEmpty, ids.allSatisfy({ ($0 ?? 0) >= 1 }) else {
            throw ValidationError("--key: write it as 1001=KEY or 1001,1002=KEY, with business ids of 1 or more")
        }
        return SandboxKey(token: token, businesses: Set(ids.compactMap(\.self)), scopes: scopes)
    }

    private static func business(_ text: String) throws -> SandboxBusiness {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let id = Int64(parts[0]), id >= 1 else {
            throw ValidationError("--business \(text): it begins with the cabinet's id, 1 or more, such as 1001:dbs")
        }
        var business = SandboxBusiness(id: id)
        for part in parts.dropFirst() {
            if let lockOut = SandboxLockOut(rawValue: String(part)) {
                business.lockOut = lockOut
                continue
            }
            let kinds = part.split(separator: "+", omittingEmptySubsequences: false)
                .map { SandboxPlacement(rawValue: String($0)) }
            guard kinds.allSatisfy({ $0 != nil }) else {
                throw ValidationError(
                    "--business \(text): '\(part)' is neither a kind (fbs, fby, express, dbs; several joined with +) "
                        + "nor a lock (denied, disabled, scope, migration)")
            }
            business.placements = kinds.compactMap(\.self)
        }
        return business
    }
}

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
