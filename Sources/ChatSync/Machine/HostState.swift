/// Whether the Market's host can be reached, as all businesses together found out.
enum HostState: Sendable, Hashable {
    case reachable
    /// Nobody sends, but whoever is told to probe.
    case away
    /// This business sends one request.
    case probing
}
