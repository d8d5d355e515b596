/// What `POST /v2/auth/token` says of a key.
public struct APIKeyInfo: Sendable, Equatable {
    /// As the cabinet's owner called it.
    public var name: String?
    /// Such as `COMMUNICATION` or `ALL_METHODS`; as sent.
    public var scopes: [String]

    public init(name: String?, scopes: [String]) {
        self.name = name
        self.scopes = scopes
    }
}
