import ArgumentParser
import Glibc
import MarketSandbox
import UnixSignals

/// `market-sandbox`: the imitated Market as a program.
@main
struct MarketSandboxCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "market-sandbox",
        abstract: "An imitation of the Yandex Market endpoints that market-chatd uses.",
        discussion: """
            Creates chats as the Market does: the same answer for the same order, a quota of fixed windows, a limit \
            of parallel requests, keys and scopes, and whatever may go wrong. It shares no code with the client.

            The first line on standard output is the address to put into MARKET_API_URL. Try:

              market-sandbox --port 8080 &
              curl -i http://127.0.0.1:8080/v2/businesses/1001/chats/new \\
                -H 'Api-Key: \(SandboxKey.defaultToken)' \\
                -H 'Content-Type: application/json' \\
                -d '{"context":{"type":"ORDER","id":17}}'
              curl http://127.0.0.1:8080/sandbox/state

            Where no --key is given, that Api-Key opens every business. Where no --business is given, every id is a \
            business with one FBS shop; name them where GET /v2/campaigns is to list them.

            SHARE is a part of the requests, 0 to 1. TIME is written 500ms, 5s, 15m or 1h. What goes wrong depends on \
            --seed and on each order, not on the order of requests: the same seed gives the same faults.

            GET /sandbox shows its own pages: what it has seen, and how to change it while it runs.
            """)

    @OptionGroup(title: "Listening") var listening: ListeningOptions
    @OptionGroup(title: "Who may do what") var access: AccessOptions
    @OptionGroup(title: "Limits") var limits: LimitOptions
    @OptionGroup(title: "What goes wrong") var faults: FaultOptions

    func validate() throws { _ = try options() }

    /// All options together.
    func options() throws -> SandboxOptions {
        var options = SandboxOptions()
        try listening.apply(to: &options)
        try access.apply(to: &options)
        try limits.apply(to: &options)
        try faults.apply(to: &options)
        return options
    }

    func run() async throws {
        let options = try options()
        var log: (@Sendable (SandboxLogEntry) -> Void)?
        if listening.verbose { log = { writeLine($0.line, to: 2) } }
        let sandbox: MarketSandboxServer
        do { sandbox = try await MarketSandboxServer.start(options, log: log) } catch {
            writeLine("market-sandbox: \(error)", to: 2)
            throw ExitCode(1)
        }
        writeLine(sandbox.url, to: 1)
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        for await _ in signals { break }
        await sandbox.stop()
    }
}

extension SandboxLogEntry {
    fileprivate var line: String {
        let time = (milliseconds * 10).rounded() / 10
        let answer = delivery.isEmpty ? "\(status)" : "\(status), \(delivery)"
        return "\(method) \(target) \(body) -> \(answer) in \(time) ms"
    }
}

/// Writes a line at once, without a buffer that an end may lose.
func writeLine(_ line: String, to descriptor: CInt) {
    var rest = Array("\(line)\n".utf8)[...]
    while !rest.isEmpty {
        let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        if written > 0 { rest = rest.dropFirst(written) } else if errno != EINTR { return }
    }
}
