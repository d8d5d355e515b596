/// A cabinet.
public struct SandboxBusiness: Sendable, Equatable {
    /// 1 or more.
    public var id: Int64
    /// One shop of each; 1 or more of them.
    public var placements: [SandboxPlacement]
    public var lockOut: SandboxLockOut?

    public init(id: Int64, placements: [SandboxPlacement] = [.fbs], lockOut: SandboxLockOut? = nil) {
        self.id = id
        self.placements = placements
        self.lockOut = lockOut
    }

    /// Returns have chats in FBY, FBS and Express only.
    var takesReturns: Bool { placements.contains { $0 != .dbs } }
}

/// How a shop works. `GET /v2/campaigns` shows Express as FBS.
public enum SandboxPlacement: String, Sendable, CaseIterable, Codable {
    case fbs, fby, express, dbs
}

/// Why the Market lets nobody in.
public enum SandboxLockOut: String, Sendable, CaseIterable, Codable {
    /// 403 `Access denied`.
    case denied
    /// 403 `API for business N disabled because it has only disabled partners.`
    case disabled
    /// 403 `Token does not have any of the scopes to access the API method`.
    case scope
    /// 423 `Business is in migration`.
    case migration
}
