import ChatOutbox
import ChatSync

/// `/metrics`: the snapshot in Prometheus' text format, version 0.0.4. Counters start at 0 with the process; gauges of a
/// business that this instance does not own are left out, so that a sum over instances counts nothing twice.
enum MetricsText {
    static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// All that metrics are made of.
    struct Facts: Sendable {
        var status: EngineStatus
        var process: ProcessFacts
        /// `nil`: there was no reload yet.
        var reload: KeyRing.Reload?
        var unlisted: [UnlistedBusiness]
        var now: WallTime
    }

    static func render(
        _ status: EngineStatus, process: ProcessFacts, reload: KeyRing.Reload? = nil,
        unlisted: [UnlistedBusiness] = [], now: WallTime
    ) -> String {
        let facts = Facts(status: status, process: process, reload: reload, unlisted: unlisted, now: now)
        var page = MetricsPage()
        for metric in Metric.all { page.add(metric, metric.samples(facts)) }
        for (metric, histogram) in Metric.histograms { page.add(metric, status.timings[keyPath: histogram]) }
        return page.text
    }

    /// The name of each metric; of a histogram its base.
    static let names = Set(Metric.all.map(\.name) + Metric.histograms.map(\.metric.name))
}
