// The Market's host, which all businesses share.
extension BusinessMachine {
    mutating func hostIs(_ state: HostState) {
        host = state
        hasAskedForHost = state == .probing
    }

    /// Whether a request may go to the host now; where not, a probe is asked for.
    mutating func mayReachHost() -> Bool {
        guard host == .away else { return true }
        if !hasAskedForHost { commands.append(.reportHost(.wantsProbe)) }
        hasAskedForHost = true
        return false
    }

    /// A run with `isOnce` does not wait for a host that is away.
    mutating func endOnceWithoutHost(now: Moment) {
        guard settings.isOnce, ending == nil, host == .away, rows.inFlight == 0, rows.writing == 0 else { return }
        end(.left(obstacle(now: now)?.reason ?? "the Market's host is away"))
    }

    mutating func declineHostProbe() {
        guard host == .probing, view.question == nil, !rows.flights.contains(where: { $0.flight.purpose == .reachHost })
        else { return }
        host = .away
        hasAskedForHost = false
        commands.append(.reportHost(.declinesProbe))
    }
}
