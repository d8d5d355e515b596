import ChatSync

/// Prometheus' text format: for each metric its help, its type and its samples.
struct MetricsPage {
    private(set) var text = ""

    /// Nothing where there are no samples.
    mutating func add(_ metric: Metric, _ samples: [Metric.Sample]) {
        guard !samples.isEmpty else { return }
        addHead(metric)
        for (labels, value) in samples {
            let list = labels.map { "\($0.key)=\"\(Self.escaped($0.value))\"" }.joined(separator: ",")
            text += "\(metric.name)\(list.isEmpty ? "" : "{\(list)}") \(Self.written(value))\n"
        }
    }

    mutating func add(_ metric: Metric, _ histogram: DurationHistogram) {
        addHead(metric)
        var count = 0
        for (index, found) in histogram.counts.enumerated() {
            count += found
            let bounds = DurationHistogram.bounds
            let bound = index < bounds.count ? Self.written(bounds[index]) : "+Inf"
            text += "\(metric.name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        text += "\(metric.name)_sum \(Self.written(histogram.sum))\n\(metric.name)_count \(count)\n"
    }

    private mutating func addHead(_ metric: Metric) {
        text += "# HELP \(metric.name) \(metric.help)\n# TYPE \(metric.name) \(metric.kind.rawValue)\n"
    }

    private static func escaped(_ value: String) -> String {
        value.reduce(into: "") { result, character in
            switch character {
            case "\\": result += "\\\\"
            case "\"": result += "\\\""
            case "\n": result += "\\n"
            default: result.append(character)
            }
        }
    }

    private static func written(_ value: Double) -> String {
        // Whole numbers without a fraction: that is how counters are read.
        if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
        return String(value)
    }
}
