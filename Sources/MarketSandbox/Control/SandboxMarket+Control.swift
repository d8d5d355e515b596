/// What the sandbox's own pages read and change.
extension SandboxMarket {
    /// Everything seen so far. `withContexts` false leaves out the list that grows with every order.
    public mutating func state(at now: SandboxMoment, withContexts: Bool = true) -> SandboxState {
        var state = totals
        for id in ledgers.keys.sorted() {
            if let business = ledgers[id]?.state(at: now) { state.businesses.append(business) }
        }
        guard withContexts else { return state }
        state.contexts = records.map { context, record in
            SandboxState.Context(
                businessID: context.businessID, kind: context.kind, id: context.id, chatID: record.chatID,
                requests: record.requests, arrivals: record.arrivals)
        }
        state.contexts.sort { ($0.businessID, $0.kind.rawValue, $0.id) < ($1.businessID, $1.kind.rawValue, $1.id) }
        return state
    }

    /// Applies a change; one that cannot be is left out whole.
    /// - Throws: ``SandboxChangeError`` with what is wrong.
    public mutating func apply(_ change: SandboxChange) throws(SandboxChangeError) {
        if let problem = change.problem { throw SandboxChangeError(problem: problem) }
        if let faults = change.faults { options.faults = faults }
        if let bad = change.bad { options.bad = bad }
        if let outage = change.outage { self.outage = SandboxOutage(rawValue: outage.rawValue) }
        for (name, lockOut) in change.lockOuts ?? [:] {
            guard let id = Int64(name) else { continue }
            withLedger(id) { $0.lockOut = SandboxLockOut(rawValue: lockOut.rawValue) }
        }
        if let milliseconds = change.latencyMilliseconds { options.latency = .milliseconds(milliseconds) }
        if let parallel = change.sharedParallel { options.sharedParallel = parallel }
        if let quota = change.quota { options.quota = quota }
        if let rate = change.sharedRequestsPerSecond { options.sharedRequestsPerSecond = rate }
        for id in ledgers.keys {
            ledgers[id]?.meter.limit = options.quota
            ledgers[id]?.meter.sharedPerSecond = options.sharedRequestsPerSecond
        }
        for index in options.keys.indices {
            if change.revokedTokens?.contains(options.keys[index].token) == true {
                options.keys[index].isRevoked = true
            }
            if change.restoredTokens?.contains(options.keys[index].token) == true {
                options.keys[index].isRevoked = false
            }
        }
    }

    /// Somebody followed a redirect.
    mutating func trapped(withKey: Bool) {
        totals.redirectsFollowed += 1
        if withKey { totals.redirectsFollowedWithKey += 1 }
    }

    mutating func count(_ fault: String) { totals.faults[fault, default: 0] += 1 }

    /// A cabinet by its id; `nil`: there is none.
    func business(_ id: Int64) -> SandboxBusiness? {
        options.businesses.isEmpty ? SandboxBusiness(id: id) : options.businesses.first { $0.id == id }
    }

    /// The books of a cabinet, new ones where there are none yet; changed in place.
    mutating func withLedger<R, E: Error>(_ id: Int64, _ body: (inout BusinessLedger) throws(E) -> R) throws(E) -> R {
        if let index = ledgers.index(forKey: id) { return try body(&ledgers.values[index]) }
        let meter = QuotaMeter(
            limit: options.quota, window: options.window, sharedPerSecond: options.sharedRequestsPerSecond)
        var ledger = BusinessLedger(
            id: id, meter: meter, lockOut: business(id)?.lockOut, arrivalsKept: options.arrivalsKept)
        defer { ledgers[id] = ledger }
        return try body(&ledger)
    }
}
