import Glibc
import Harness
import MarketSandbox
import TestSupport
import Testing

/// What the service manager hears.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct SystemdTests {
    @Test func systemdHearsReadyStatusSignsOfLifeReloadsAndTheEnd() async throws {
        let database = try await TestDatabase.make()
        let manager = try ServiceManagerSocket()
        var options = SandboxOptions()
        options.latency = .milliseconds(300)
        try await withSandbox(options) { sandbox in
            let settings = DaemonSettings.run(
                database, sandbox, ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "200000"])
            try await withDaemon(settings) { daemon in
                try await manager.untilHeard("READY=1")
                try await manager.untilHeard("STATUS=1 business")
                for _ in 1...3 { try await manager.untilHeard("WATCHDOG=1") }
                daemon.send(SIGHUP)
                try await manager.untilHeard("RELOADING=1\nMONOTONIC_USEC=")
                try await manager.untilHeard("READY=1")
                try await database.insert(1...2)
                try await waitUntil("a request is in flight", every: .milliseconds(1)) {
                    sandbox.state(withContexts: false).businesses.first?.inFlight ?? 0 > 0
                }
                daemon.send(SIGTERM)
                let stopping = try await manager.untilHeard("STOPPING=1")
                #expect(stopping.contains("EXTEND_TIMEOUT_USEC="), "\(stopping)")
                if !stopping.contains("STATUS=Draining") { try await manager.untilHeard("STATUS=Draining") }
                #expect(try await daemon.ending() == .exited(0))
            }
        }
    }

    @Test func aFrozenDaemonGivesNoSignOfLife() async throws {
        let database = try await TestDatabase.make()
        let manager = try ServiceManagerSocket()
        try await withSandbox { sandbox in
            let settings = DaemonSettings.run(
                database, sandbox, ["NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "100000"])
            try await withDaemon(settings) { daemon in
                try await manager.untilHeard("WATCHDOG=1")
                daemon.send(SIGSTOP)
                try await waitUntil("it is stopped") {
                    try TextFile.read("/proc/\(daemon.pid)/stat").contains(") T ")
                }
                manager.forgetAll()
                // Time has to pass here, since nothing is to happen.
                try await Task.sleep(for: .milliseconds(300))
                #expect(manager.receive() == nil)
                daemon.send(SIGCONT)
                try await manager.untilHeard("WATCHDOG=1")
                #expect(try await daemon.drain() == .exited(0))
            }
        }
    }
}

/// The socket that `NOTIFY_SOCKET` names.
final class ServiceManagerSocket: Sendable {
    let path: String
    private let descriptor: CInt
    private let directory: ScratchDirectory

    init() throws {
        directory = try ScratchDirectory()
        path = directory.path + "/notify"
        descriptor = socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isBound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        guard descriptor >= 0, isBound else { throw ScratchFile.Failure(path) }
    }

    deinit {
        close(descriptor)
    }

    /// The next datagram, if one is there.
    func receive() -> String? {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = recv(descriptor, &buffer, buffer.count, CInt(MSG_DONTWAIT))
        return count >= 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
    }

    func forgetAll() {
        while receive() != nil {}
    }

    /// Reads datagrams up to one that has this in it.
    @discardableResult
    func untilHeard(_ text: String) async throws -> String {
        var found: String?
        try await waitUntil("systemd hears \(text)") {
            while found == nil, let datagram = receive() { if datagram.contains(text) { found = datagram } }
            return found != nil
        }
        return try #require(found)
    }
}
