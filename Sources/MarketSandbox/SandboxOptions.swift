/// How an imitated Market behaves. Every default is the vendor's documented value, and no fault is on.
public struct SandboxOptions: Sendable {
    /// The address to listen on. Anything but loopback lets strangers in.
    public var host = "127.0.0.1"
    /// 1 to 65535, or 0 for any free port.
    public var port = 0
    /// Every chance is drawn from it: the same seed and the same requests give the same answers, in whatever order the
    /// requests come.
    public var seed: UInt64 = 1
    /// Requests per window and business; 1 or more. The vendor's `x-resource-limit-config` says 1,000 an hour.
    public var quota = 1000
    /// The length of the windows, which start at whole multiples of it since 1970. Positive.
    public var window = Duration.seconds(3600)
    /// Requests in flight per business; 1 or more. The vendor says 4.
    public var parallel = 4
    /// The keys that are known. A key that is bound to no business opens every one.
    public var keys = [SandboxKey(token: SandboxKey.defaultToken)]
    /// The cabinets that exist; empty: every id is a cabinet with one FBS shop.
    public var businesses: [SandboxBusiness] = []
    public var faults = SandboxFaults()
    /// Nothing works from the start, until a change ends it.
    public var outage: SandboxOutage?
    /// Orders and returns that the Market does not know, or not yet.
    public var missing = MissingContexts()
    /// Orders and returns that are always answered badly.
    public var bad: [SandboxBadRule] = []
    /// What every answered request takes at least.
    public var latency = Duration.zero
    /// The Market's own limit for a request: whatever takes longer is answered 504 then. The vendor says 10 s.
    public var serverTimeout = Duration.seconds(10)
    /// What another integration of every cabinet spends of the same quota, in requests a second.
    public var sharedRequestsPerSecond = 0.0
    /// How many of the parallel requests another integration of every cabinet holds all the time.
    public var sharedParallel = 0
    /// Whether a 420 for too many parallel requests spends quota; the vendor does not say.
    public var parallelRefusalSpends = false
    /// Take the older `orderId` body, which the vendor shut down on 2026-10-19.
    public var acceptsLegacyOrderID = false
    /// Keep connections open after an answer. The vendor does not.
    public var keepAlive = false
    /// The share of errors in the older body shape, 0 to 1.
    public var oldErrorShape = 0.0
    /// How far the Market's clock is ahead of this machine's; negative: behind.
    public var clockOffset = Duration.zero
    /// How many arrival times are kept: the first and the last so many of each business, the first 64 of each context.
    public var arrivalsKept = 1000

    public init() {}
}

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

/// What the Market does not know.
public struct MissingContexts: Sendable, Equatable {
    /// By the id of the order or return, in any business.
    public var ids: [Int64: MissingRule] = [:]
    /// Of all other contexts, the share that never appears; 0 to 1.
    public var neverShare = 0.0
    /// Of all other contexts, the share that appears late; 0 to 1.
    public var lateShare = 0.0
    /// When those appear.
    public var lateRule = MissingRule.untilAsked(3)

    public init() {}
}

/// When a missing order appears.
public enum MissingRule: Sendable, Equatable {
    case never
    /// This many lookups find nothing; 1 or more.
    case untilAsked(Int)
    /// Nothing is found before so long after the first lookup.
    case untilElapsed(Duration)
}
