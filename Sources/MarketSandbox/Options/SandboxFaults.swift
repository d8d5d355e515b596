/// Shares of the requests that go wrong, each 0 to 1, together at most 1. At most one of them strikes a request, but
/// any may be slow as well.
public struct SandboxFaults: Sendable, Equatable, Codable {
    /// 500 before the work is done.
    public var error500 = 0.0
    /// 502 with an HTML page, before the work is done.
    public var error502 = 0.0
    /// 503 before the work is done.
    public var error503 = 0.0
    /// 504 with an HTML page, after the work was done.
    public var error504 = 0.0
    /// The connection is reset before the work is done.
    public var resetBefore = 0.0
    /// The connection is reset after the work was done: a lost answer.
    public var resetAfter = 0.0
    /// 200 with a body that cannot be used, after the work was done.
    public var malformed = 0.0
    /// 302 to a trap, which counts who follows it.
    public var redirect = 0.0
    /// The share of slow requests, and by how much.
    public var slow = 0.0
    public var slowMilliseconds = 3000.0

    public init() {}

    private enum CodingKeys: String, CodingKey, CaseIterable {
        case error500, error502, error503, error504, resetBefore, resetAfter, malformed, redirect, slow
        case slowMilliseconds

        var path: WritableKeyPath<SandboxFaults, Double> {
            switch self {
            case .error500: \.error500
            case .error502: \.error502
            case .error503: \.error503
            case .error504: \.error504
            case .resetBefore: \.resetBefore
            case .resetAfter: \.resetAfter
            case .malformed: \.malformed
            case .redirect: \.redirect
            case .slow: \.slow
            case .slowMilliseconds: \.slowMilliseconds
            }
        }
    }

    /// What is not named has its default.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        for key in CodingKeys.allCases {
            if let value = try container.decodeIfPresent(Double.self, forKey: key) { self[keyPath: key.path] = value }
        }
    }

    /// Every kind at the same share of all requests, for a stress run.
    public static func all(share: Double, slowMilliseconds: Double = 300) -> Self {
        var faults = Self()
        for path in Self.paths { faults[keyPath: path] = share }
        faults.slow = share
        faults.slowMilliseconds = slowMilliseconds
        return faults
    }

    /// The shares that exclude each other, in the order of ``SandboxFault``.
    static var paths: [WritableKeyPath<Self, Double>] {
        [
            \.error500, \.error502, \.error503, \.error504, \.resetBefore, \.resetAfter, \.malformed, \.redirect,
        ]
    }

    /// What is wrong with these shares, if anything.
    public var problem: String? {
        let shares = Self.paths.map { self[keyPath: $0] }
        if (shares + [slow]).contains(where: { !(0...1).contains($0) }) { return "a share is not within 0 and 1" }
        if shares.reduce(0, +) > 1.000_001 { return "the shares add up to more than 1" }
        return (0...3_600_000).contains(slowMilliseconds) ? nil : "slow is not within 0 and an hour"
    }

    /// Which fault strikes where `chance`, 0 to below 1, was drawn.
    func fault(chance: Double) -> SandboxFault? {
        var bound = 0.0
        for (path, fault) in zip(Self.paths, SandboxFault.allCases) {
            bound += self[keyPath: path]
            if chance < bound { return fault }
        }
        return nil
    }
}

/// One thing that goes wrong, in the order of ``SandboxFaults/paths``.
enum SandboxFault: String, Sendable, CaseIterable {
    case error500, error502, error503, error504, resetBefore, resetAfter, malformed, redirect
}

/// Nothing works for anybody.
public enum SandboxOutage: String, Sendable, CaseIterable, Codable {
    /// 503 for everything.
    case unavailable
    /// Every connection is reset.
    case reset
    /// Nothing is answered before the server's own timeout, which gives 504.
    case hang
}
