/// Whether the Market's host can be reached, as all businesses together found out.
enum HostState: Sendable, Hashable {
    case reachable
    /// Nobody sends, but whoever is told to probe.
    case away
    /// This business sends one request.
    case probing
}

/// What one business tells of the Market's host.
enum HostReport: Sendable, Hashable {
    case answered
    case failed(wasProbe: Bool)
    /// A probe is wanted as soon as there may be one.
    case wantsProbe
    /// There was nothing to probe with.
    case declinesProbe
}
