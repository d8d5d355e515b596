/// A token and what it opens.
public struct SandboxKey: Sendable, Equatable {
    /// Accepted where no other key is configured: the vendor's format, no secret.
    public static let defaultToken = "ACMA:SandboxSandboxSandboxSandboxSandboxSandb:5a4db0c5"

    public var token: String
    /// Empty: every business.
    public var businesses: Set<Int64>
    /// As `POST /v2/auth/token` lists them.
    public var scopes: [String]
    public var isRevoked: Bool
    /// The deprecated `Authorization: Bearer …` rather than `Api-Key`.
    public var isOAuth: Bool

    public init(
        token: String, businesses: Set<Int64> = [], scopes: [String] = ["ALL_METHODS"], isRevoked: Bool = false,
        isOAuth: Bool = false
    ) {
        self.token = token
        self.businesses = businesses
        self.scopes = scopes
        self.isRevoked = isRevoked
        self.isOAuth = isOAuth
    }

    func opens(_ businessID: Int64) -> Bool { businesses.isEmpty || businesses.contains(businessID) }
    var allowsChats: Bool { scopes.contains { ["ALL_METHODS", "COMMUNICATION"].contains($0.uppercased()) } }
}
