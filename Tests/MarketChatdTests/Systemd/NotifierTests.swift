import Logging
import ServiceLifecycle
import Synchronization
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct NotifierTests {
    @Test(arguments: [false, true]) func messagesGoToTheSocketTogether(isAbstract: Bool) async throws {
        let manager = try DatagramReceiver(isAbstract: isAbstract)
        let notifier = SystemdNotifier(environment: ["NOTIFY_SOCKET": manager.path])
        #expect(notifier.isActive)
        notifier.send(.ready, .status("2 businesses, 12 due"))
        #expect(await manager.receiveText() == "READY=1\nSTATUS=2 businesses, 12 due")
        notifier.send(.reloading(monotonicMicroseconds: 17))
        #expect(await manager.receiveText() == "RELOADING=1\nMONOTONIC_USEC=17")
        notifier.send(.stopping, .extendTimeout(.milliseconds(1500)), .watchdog)
        #expect(await manager.receiveText() == "STOPPING=1\nEXTEND_TIMEOUT_USEC=1500000\nWATCHDOG=1")
    }

    @Test func aStatusCannotBeginAnotherMessage() {
        #expect(SystemdNotifier.text(of: .status("a\nREADY=1")) == "STATUS=a\\nREADY=1")
    }

    @Test func withoutSystemdNothingHappens() {
        for path in [nil, "", "vsock:2:1", "relative", "/" + String(repeating: "x", count: 200)] {
            let notifier = SystemdNotifier(socketPath: path)
            #expect(!notifier.isActive)
            notifier.send(.ready)
        }
        SystemdNotifier(socketPath: "/nonexistent/notify").send(.ready)
    }

    @Test func theMonotonicClockGoesOn() {
        let first = SystemdNotifier.monotonicMicroseconds
        #expect(first > 0)
        #expect(SystemdNotifier.monotonicMicroseconds >= first)
    }

    @Test func theWatchdogIsPingedAtHalfOfItsTime() {
        #expect(SystemdWatchdog.pingInterval(environment: [:]) == nil)
        #expect(SystemdWatchdog.pingInterval(environment: ["WATCHDOG_USEC": "30000000"]) == .seconds(15))
        for text in ["0", "-5", "soon", ""] {
            #expect(SystemdWatchdog.pingInterval(environment: ["WATCHDOG_USEC": text]) == nil)
        }
        let mine = ["WATCHDOG_USEC": "2000000", "WATCHDOG_PID": "42"]
        #expect(SystemdWatchdog.pingInterval(environment: mine, processID: 42) == .seconds(1))
        #expect(SystemdWatchdog.pingInterval(environment: mine, processID: 43) == nil)
    }
}

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SystemdServiceTests {
    private let logger = Logger(label: "test", output: LogOutput { _ in }, level: .critical)

    private func status(_ phase: EngineStatus.Phase, isMakingProgress: Bool = true) -> EngineStatus {
        EngineStatus(
            phase: phase, database: .connecting(problem: nil), businesses: [], isMakingProgress: isMakingProgress)
    }

    /// A service that runs well, without a watchdog.
    private func service(of manager: DatagramReceiver, isReady: Latch) -> SystemdService {
        SystemdService(
            notifier: SystemdNotifier(socketPath: manager.path), status: { status(.running) }, isReady: isReady,
            watchdogInterval: nil, drainTimeout: .seconds(30))
    }

    /// Runs the service beside `body`, and stops it afterwards.
    private func run(_ service: SystemdService, _ body: @Sendable () async throws -> Void) async throws {
        let group = ServiceGroup(configuration: .init(services: [service], logger: logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            try await body()
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func readyIsToldOnceTheGateIsOpenAndNotBefore() async throws {
        let manager = try DatagramReceiver()
        let isReady = Latch()
        let service = service(of: manager, isReady: isReady)
        try await run(service) {
            #expect(await manager.receiveText(within: .milliseconds(50)) == nil)
            isReady.open()
            #expect(await manager.receiveText() == "READY=1")
            #expect(await manager.receiveText() == "STATUS=Connecting to the database")
        }
    }

    @Test func aReloadBeforeReadyIsCarriedOutAndNotToldAsReady() async throws {
        let manager = try DatagramReceiver()
        let isReady = Latch()
        let service = service(of: manager, isReady: isReady)
        try await run(service) {
            let reloads = Mutex(0)
            service.reload { reloads.withLock { $0 += 1 } }
            #expect(reloads.withLock { $0 } == 1)
            isReady.open()
            #expect(await manager.receiveText() == "READY=1", "nothing was told before")
            #expect(await manager.receiveText()?.hasPrefix("STATUS=") == true)
            service.reload {}
            #expect(await manager.receiveText()?.hasPrefix("RELOADING=1") == true)
            #expect(await manager.receiveText() == "READY=1")
        }
    }

    @Test func theWatchdogIsFedOnlyWhileTheWorkTurns() async throws {
        let manager = try DatagramReceiver()
        let isReady = Latch()
        isReady.open()
        let isTurning = Mutex(true)
        let service = SystemdService(
            notifier: SystemdNotifier(socketPath: manager.path),
            status: { status(.running, isMakingProgress: isTurning.withLock { $0 }) }, isReady: isReady,
            watchdogInterval: .milliseconds(10), drainTimeout: .seconds(30))
        try await run(service) {
            #expect(await manager.receiveText() == "READY=1")
            #expect(await manager.receiveText()?.hasPrefix("STATUS=") == true)
            #expect(await manager.receiveText() == "WATCHDOG=1")
            #expect(await manager.receiveText() == "WATCHDOG=1")
            isTurning.withLock { $0 = false }
            // Those that were under way come to an end.
            while await manager.receiveText(within: .milliseconds(100)) != nil {}
            #expect(await manager.receiveText(within: .milliseconds(100)) == nil)
        }
    }

    @Test func aDrainAsksForTimeAndSaysWhatItWaitsFor() async throws {
        let manager = try DatagramReceiver()
        let isReady = Latch()
        isReady.open()
        let draining = Mutex(false)
        let service = SystemdService(
            notifier: SystemdNotifier(socketPath: manager.path),
            status: { status(draining.withLock { $0 } ? .draining : .running) }, isReady: isReady,
            watchdogInterval: .milliseconds(10), drainTimeout: .seconds(30))
        try await run(service) {
            #expect(await manager.receiveText() == "READY=1")
            draining.withLock { $0 = true }
            service.drainBegins()
            var seen: [String] = []
            while seen.filter({ $0.hasPrefix("EXTEND_TIMEOUT_USEC=") }).count < 2,
                let text = await manager.receiveText()
            {
                seen.append(text)
            }
            #expect(seen.contains("STOPPING=1\nSTATUS=Draining, 0 calls in flight\nEXTEND_TIMEOUT_USEC=3000000"))
            #expect(seen.filter { $0 == "EXTEND_TIMEOUT_USEC=3000000" }.count == 2)
        }
    }
}
