/// What one business tells of the Market's host.
enum HostReport: Sendable, Hashable {
    case answered
    case failed(wasProbe: Bool)
    /// A probe is wanted as soon as there may be one.
    case wantsProbe
    /// There was nothing to probe with.
    case declinesProbe
}
