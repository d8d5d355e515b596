import MarketAPI

/// What authorises the calls, by business: read, checked and ready to send.
struct MarketKeys: Sendable, Equatable {
    /// For every business that has none of its own.
    var shared: MarketCredential?
    var own: [Int64: MarketCredential] = [:]

    func credential(for businessID: Int64) -> MarketCredential? {
        own[businessID] ?? shared
    }
}
