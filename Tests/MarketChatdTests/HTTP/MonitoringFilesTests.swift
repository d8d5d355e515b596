import TestSupport
import Testing

@testable import MarketChatd

/// Prometheus takes any name: an alert on a metric that does not exist never fires, and nobody notices.
@Suite(.concurrencyLimited) struct MonitoringFilesTests {
    private static let files = ["prometheus/market-chatd.rules.yml", "grafana/market-chatd.json"]

    private func text(of file: String) throws -> String {
        let path = Repository.path(of: "Config/\(file)")
        return String(decoding: try FileReader.disk.contents(of: path, atMost: 1 << 20).get().bytes, as: UTF8.self)
    }

    /// What looks like a metric of ours; of a histogram its own name, without what its samples add to it.
    private func metrics(in text: String) -> Set<String> {
        Set(text.matches(of: /(?:market_chatd|process)_[a-z0-9_]+/).map { base(String($0.output)) })
    }

    private func base(_ name: String) -> String {
        for ending in ["_bucket", "_sum", "_count"] where name.hasSuffix(ending) {
            return String(name.dropLast(ending.count))
        }
        return name
    }

    @Test(arguments: files) func everyMetricInItExists(_ file: String) throws {
        let used = metrics(in: try text(of: file))
        #expect(used.count > 10)
        #expect(used.subtracting(MetricsText.names).sorted() == [])
    }

    @Test func everyMetricIsOnTheRussianPage() throws {
        let path = Repository.path(of: "systemd/man/ru/market-chatd.7")
        let page = String(decoding: try FileReader.disk.contents(of: path, atMost: 1 << 20).get().bytes, as: UTF8.self)
        let ours = MetricsText.names.filter { $0.hasPrefix("market_chatd_") }
        #expect(Set(ours).subtracting(metrics(in: page)).sorted() == [])
    }

    @Test func namesAreFoundWhateverStandsAroundThem() {
        let text = #""expr": "rate(process_cpu_seconds_total[5m])\nmarket_chatd_a_bucket{le=\"1\"}", market-chatd"#
        #expect(metrics(in: text) == ["process_cpu_seconds_total", "market_chatd_a"])
    }
}
