import ArgumentParser
import ChatOutbox

/// The options of both.
struct BusinessOptions: ParsableArguments {
    @Option(name: .customLong("business"), help: "The cabinet's id.", transform: identifier)
    var id: Int64
    @Flag(help: "Also for a business that no daemon has served yet and that has no rows.")
    var force = false
    @Flag(help: "Print the answer as one JSON object.")
    var json = false
}
