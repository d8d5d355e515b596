/// What the command line says, and what follows from it.
struct DemoSettings: Sendable, Equatable {
    static let defaultOrders = 90
    static let defaultQuickOrders = 24
    /// The Market of the demonstration takes some six requests a second for a cabinet: more would not be settled before
    /// ``Pace/patience`` is over.
    static let mostOrders = 400

    /// Orders and returns together; 1 to ``mostOrders``.
    var orders: Int
    /// What every chance is drawn from.
    var seed: UInt64
    /// Where `market-chatd` is; `nil`: beside this program.
    var daemonPath: String?
    var pace: Pace
    /// Leave everything running after the end.
    var keeps = false
    /// Write the summary as JSON.
    var isJSON = false

    /// `MARKET_MAX_PARALLEL`, said to the daemon and checked at the end.
    static let maxParallel = 2

    /// Requests in each window and cabinet: so few that the busiest cabinet has to wait for the next window.
    var quota: Int { max(8, orders * 2 / 9) }
}

/// How fast everything goes. Only the lengths differ from production.
struct Pace: Sendable, Equatable {
    /// How long orders keep coming.
    var arrivals: Duration
    /// The length of the Market's quota windows; an hour in reality. Whole seconds, as their ends are told in seconds.
    var quotaWindow: Duration
    /// How long the Market does not find a late order.
    var lateness: Duration
    /// How long the Market thinks.
    var latency: Duration
    /// Slow answers take so much longer.
    var slowness: Duration
    /// `CHATD_RETRY_BASE`.
    var retryBase: String
    /// `CHATD_RETRY_MAX`.
    var retryMax: String
    /// `CHATD_NOT_FOUND_PATIENCE`.
    var notFoundPatience: String
    /// Until everything has to be settled, counted from the first order.
    var patience: Duration

    static let full = Pace(
        arrivals: .seconds(15), quotaWindow: .seconds(10), lateness: .milliseconds(1500), latency: .milliseconds(120),
        slowness: .milliseconds(1200), retryBase: "200ms", retryMax: "2s", notFoundPatience: "3s",
        patience: .seconds(120))
    static let quick = Pace(
        arrivals: .seconds(2), quotaWindow: .seconds(2), lateness: .milliseconds(400), latency: .milliseconds(30),
        slowness: .milliseconds(400), retryBase: "100ms", retryMax: "400ms", notFoundPatience: "1s",
        patience: .seconds(60))
}
