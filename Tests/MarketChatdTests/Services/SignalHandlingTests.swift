import Glibc
import Logging
import ServiceLifecycle
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SignalHandlingTests {
    /// Neither drains nor gives in when it is cancelled.
    private struct StubbornService: Service {
        func run() async { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } }
    }

    /// In a process of its own: it is this process that ends.
    @Test func aThirdSignalEndsWhatNeitherDrainsNorGivesIn() async {
        await #expect(processExitsWith: .exitCode(ExitStatus.failed.rawValue)) {
            // What is logged when a signal has come; what follows sends the next one.
            let logger = Logger(
                label: "test", output: LogOutput { _ in kill(getpid(), SIGTERM) }, level: .notice)
            let signals = await SignalHandling(onReload: {}, logger: logger)
            let quiet = Logger(label: "test", output: LogOutput { _ in }, level: .critical)
            let group = ServiceGroup(configuration: .init(services: [StubbornService()], logger: quiet))
            // Where the third one is not heard, this ends it.
            alarm(20)
            kill(getpid(), SIGTERM)
            _ = try? await signals.run(group)
            exit(99)
        }
    }
}
