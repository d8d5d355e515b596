import MarketSandbox

extension SandboxOptions {
    /// The Market of this demonstration: it knows not all orders, and a good part of its answers goes wrong.
    init(demonstrating traffic: Traffic, _ settings: DemoSettings) {
        self.init()
        seed = settings.seed
        businesses = Traffic.businesses
        quota = settings.quota
        window = settings.pace.quotaWindow
        latency = settings.pace.latency
        // Another integration of each cabinet holds three of the four parallel requests, so that two of ours are one too
        // many.
        sharedParallel = 3
        for row in traffic.rows { missing.ids[row.context.id] = row.missing }
        faults.error500 = 0.03
        faults.error502 = 0.02
        faults.error503 = 0.03
        faults.error504 = 0.02
        faults.resetBefore = 0.02
        faults.resetAfter = 0.02
        faults.malformed = 0.04
        faults.redirect = 0.02
        faults.slow = 0.04
        faults.slowMilliseconds = settings.pace.slowness / .milliseconds(1)
    }
}
