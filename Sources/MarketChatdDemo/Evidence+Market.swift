import MarketSandbox

/// How the Market was treated, by its own books.
extension Evidence {
    var quotasWereKept: Check {
        let problems = market.businesses.filter { $0.quotaRefusals > 0 }
            .map { "\($0.id) was refused \($0.quotaRefusals) times for its quota" }
        let requests = market.businesses.reduce(0) { $0 + $1.requests }
        return Check("no quota was exceeded", "\(requests) requests in \(windows) windows", problems)
    }

    private var windows: Int { market.businesses.reduce(0) { $0 + $1.windows.count } }

    var fewWereInFlight: Check {
        let problems = market.businesses.filter { $0.maxInFlight > DemoSettings.maxParallel }
            .map { "\($0.id) had \($0.maxInFlight) requests in flight" }
        let most = market.businesses.map(\.maxInFlight).max() ?? 0
        return Check("never more than \(DemoSettings.maxParallel) in flight for a cabinet", "\(most) at most", problems)
    }

    var redirectsWereNotFollowed: Check {
        let redirects = market.faults["redirect"] ?? 0
        let problems =
            market.redirectsFollowed > 0
            ? ["\(market.redirectsFollowed) were followed, \(market.redirectsFollowedWithKey) of them with the API key"]
            : []
        return Check("no redirect was followed, so the key went nowhere else", "\(redirects) redirects", problems)
    }
}
