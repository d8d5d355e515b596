import ArgumentParser
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix

/// `market-chatd healthcheck`: asks the running daemon.
struct HealthcheckCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "healthcheck",
        abstract: "Ask the running daemon's own HTTP listener whether it is well.",
        discussion: """
            Exit code 0: it is; 1: it is not, or does not answer. The address is that of CHATD_HTTP_LISTEN, where all \
            that is needed of the configuration is this key.

            EXAMPLES
              market-chatd healthcheck            does its work loop turn? Where not, only a restart helps
              market-chatd healthcheck --ready    does it serve orders now? Not while the database is away
            """)

    @OptionGroup var environmentOptions: EnvironmentOptions
    @Flag(help: "Ask for /readyz instead of /healthz.")
    var ready = false

    private static let limit = TimeAmount.seconds(5)

    func run() async throws {
        try await environmentOptions.load { loader throws(CommandFailure) in
            let address = try loader.configuration { environment throws(ConfigurationErrors) in
                try ListenConfiguration.read(environment: environment).address
            }
            guard let address else {
                throw CommandFailure(.configuration, ["CHATD_HTTP_LISTEN is off: there is nobody to ask"])
            }
            let path = ready ? "/readyz" : "/healthz"
            do {
                let answer = try await LoopbackGet(address: address, limit: Self.limit).get(path)
                let body = String(answer.body.prefix { !$0.isNewline })
                StandardOutput.shared.write("\(address)\(path): \(answer.status) \(printable(body, limit: 1000))\n")
                if answer.status != 200 { throw CommandFailure(.failed, ["the daemon is not well; see above"]) }
            } catch let failure as CommandFailure {
                throw failure
            } catch {
                let reason = printable(Self.reason(error))
                throw CommandFailure(
                    .failed, ["\(address) does not answer: \(reason): is it running? systemctl status market-chatd"])
            }
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case ChannelError.eof: "no answer within 5 s"
        case let error as IOError: systemErrorText(error.errnoCode)
        // Of several addresses, what the last one said.
        case let error as NIOConnectionError: error.connectionErrors.last.map { reason($0.error) } ?? "\(error)"
        default: "\(error)"
        }
    }
}
