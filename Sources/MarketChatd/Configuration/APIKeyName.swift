/// The name of a variable that gives an API key: `MARKET_API_KEY[_<businessId>][_FILE]`.
struct APIKeyName: Hashable, Sendable {
    /// `nil`: the key of every business that has none of its own.
    var businessID: Int64?
    var isFile: Bool

    init(businessID: Int64?, isFile: Bool) {
        self.businessID = businessID
        self.isFile = isFile
    }

    /// `nil` where the name is not of this form, or the id is not a number from 1 on in its plain form.
    init?(_ name: String) {
        let base = ConfigurationKey.apiKey.rawValue
        guard name.hasPrefix(base) else { return nil }
        var rest = name.dropFirst(base.count)
        isFile = rest.hasSuffix("_FILE")
        if isFile { rest = rest.dropLast(5) }
        if rest.isEmpty {
            businessID = nil
        } else {
            guard rest.first == "_", let id = Int64(rest.dropFirst()), id >= 1, "_\(id)" == rest else { return nil }
            businessID = id
        }
    }

    var text: String {
        ConfigurationKey.apiKey.rawValue + (businessID.map { "_\($0)" } ?? "") + (isFile ? "_FILE" : "")
    }

    /// The name of the same key in `$CREDENTIALS_DIRECTORY`.
    var credentialName: String {
        "market-api-key" + (businessID.map { "-\($0)" } ?? "")
    }
}
