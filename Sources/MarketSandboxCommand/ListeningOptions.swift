import ArgumentParser
import MarketSandbox

struct ListeningOptions: ParsableArguments {
    @Option(help: "The address to listen on. Anything but loopback lets strangers in.") var host = "127.0.0.1"
    @Option(help: "The port; 0: any free one.") var port = 0
    @Option(help: "What every chance is drawn from.") var seed: UInt64 = 1
    @Flag(help: "Keep connections open after an answer; the Market does not.") var keepAlive = false
    @Flag(name: .shortAndLong, help: "A line on standard error for each request.") var verbose = false

    func apply(to options: inout SandboxOptions) throws {
        guard (0...65_535).contains(port) else {
            throw ValidationError("--port \(port): give 1 to 65535, or 0 for any")
        }
        options.host = host
        options.port = port
        options.seed = seed
        options.keepAlive = keepAlive
    }
}
