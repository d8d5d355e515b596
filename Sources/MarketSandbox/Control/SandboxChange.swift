/// What may be changed while the sandbox runs; whatever is `nil` stays as it is. `POST /sandbox/change` takes it as JSON.
public struct SandboxChange: Codable, Sendable, Equatable {
    public var faults: SandboxFaults?
    /// Instead of all rules that there are; an empty list ends them.
    public var bad: [SandboxBadRule]?
    /// `none` ends an outage.
    public var outage: Outage?
    /// By business id; `none` lets a business in again.
    public var lockOuts: [String: LockOut]?
    /// Requests per window of every business; 1 or more.
    public var quota: Int?
    public var latencyMilliseconds: Double?
    public var sharedRequestsPerSecond: Double?
    public var sharedParallel: Int?
    /// Tokens that are revoked from now on, and those that are valid again.
    public var revokedTokens: [String]?
    public var restoredTokens: [String]?

    public enum Outage: String, Codable, Sendable { case none, unavailable, reset, hang }
    public enum LockOut: String, Codable, Sendable { case none, denied, disabled, scope, migration }

    public init() {}

    /// What is wrong with it, if anything.
    var problem: String? {
        if let problem = faults?.problem { return "faults: \(problem)" }
        if let problem = bad?.lazy.compactMap(\.problem).first { return "bad: \(problem)" }
        if let quota, quota < 1 { return "quota: it must be 1 or more" }
        if let latencyMilliseconds, !(0...3_600_000).contains(latencyMilliseconds) {
            return "latencyMilliseconds: it must be within 0 and an hour"
        }
        if let sharedRequestsPerSecond, !(0...1e6).contains(sharedRequestsPerSecond) {
            return "sharedRequestsPerSecond: it must be within 0 and 1000000"
        }
        if let sharedParallel, sharedParallel < 0 { return "sharedParallel: it must be 0 or more" }
        if let id = lockOuts?.keys.first(where: { Int64($0) == nil }) { return "lockOuts: '\(id)' is no business id" }
        return nil
    }
}

/// A change that cannot be.
public struct SandboxChangeError: Error, CustomStringConvertible {
    var problem: String
    public var description: String { problem }
}
