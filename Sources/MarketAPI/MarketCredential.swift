/// What authorises the calls for a business.
///
/// Source: the vendor's OpenAPI specification, `securitySchemes`.
public enum MarketCredential: Sendable, Equatable {
    /// Sent as `Api-Key`: `ACMA:<40 characters>:<8 hexadecimal digits>`, though the form is the Market's affair.
    case apiKey(SecretString)
    /// Sent as `Authorization: Bearer …`. Deprecated by the vendor, still accepted.
    case oauthToken(SecretString)

    /// The longest secret that is sent, in bytes.
    static let maximumLength = 4096

    var secret: SecretString {
        switch self {
        case .apiKey(let secret), .oauthToken(let secret): secret
        }
    }

    /// The header that carries the secret.
    var header: (name: String, value: String) {
        switch self {
        case .apiKey(let secret): ("Api-Key", secret.revealed())
        case .oauthToken(let secret): ("Authorization", "Bearer " + secret.revealed())
        }
    }

    /// Why the secret cannot go into a header, without showing any of it; `nil` where it can.
    ///
    /// Only visible ASCII passes. A line break would let a key end its header and begin another one, and the usual
    /// mistake, a space or a line break copied along, is told at once instead of as a 401.
    var flaw: String? {
        let bytes = secret.revealed().utf8
        if bytes.isEmpty { return "it is empty" }
        if bytes.count > Self.maximumLength { return "it is longer than \(Self.maximumLength) bytes" }
        if bytes.allSatisfy({ 0x21...0x7E ~= $0 }) { return nil }
        return "it holds a space, a line break or a character that is not ASCII"
    }
}
