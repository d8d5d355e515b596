import ArgumentParser
import MarketSandbox

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
