/// Tells known keys from unknown, revoked and misspelt ones, with the texts that the vendor documents.
struct Credentials {
    var keys: [SandboxKey]

    /// `apiKey` and `authorization` are the headers of those names.
    func check(apiKey: String?, authorization: String?) throws(SandboxRefusal) -> SandboxKey {
        if let apiKey { return try check(apiKey: apiKey) }
        guard let authorization else { throw .unauthorized("Credentials are not specified") }
        let parts = authorization.split(separator: " ", omittingEmptySubsequences: true)
        guard parts.count == 2, parts[0].lowercased() == "bearer" else {
            throw .unauthorized("Credentials are not specified")
        }
        guard let key = keys.first(where: { $0.isOAuth && $0.token == parts[1] }), !key.isRevoked else {
            throw .unauthorized("OAuth token is invalid")
        }
        return key
    }

    private func check(apiKey token: String) throws(SandboxRefusal) -> SandboxKey {
        if token.isEmpty { throw .unauthorized("Api-Key token is not specified") }
        if let key = keys.first(where: { !$0.isOAuth && $0.token == token }) {
            if key.isRevoked { throw .unauthorized("Api-Key token is revoked") }
            return key
        }
        throw .unauthorized("Api-Key token \(Self.flaw(of: token))")
    }

    /// What is wrong with a token that nobody knows; the format is `ACMA:<40 characters>:<8 hexadecimal digits>`.
    private static func flaw(of token: String) -> String {
        guard token.hasPrefix("ACMA:") else { return "prefix is invalid" }
        guard token.utf8.count == 54 else { return "length is invalid" }
        let parts = token.split(separator: ":", omittingEmptySubsequences: false)
        let isWellFormed = parts.count == 3 && parts[1].utf8.count == 40 && parts[2].allSatisfy(\.isHexDigit)
        return isWellFormed ? "is invalid" : "format is invalid"
    }
}
