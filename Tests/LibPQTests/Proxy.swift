import Dispatch
import Glibc
import LibPQ
import PrivatePostgres
import Synchronization

/// Stands between a connection and the cluster: sees what is sent, and holds back the requests to cancel, or statements.
final class Proxy: Sendable {
    private let loopback: Loopback
    private let state: State

    private final class State: Sendable {
        let sent = Mutex<[UInt8]>([])
        let cancels = Mutex((came: 0, arrived: 0))
        let cancelGate = DispatchSemaphore(value: 0)
        let holdsStatements = Mutex(false)
        let statementGate = DispatchSemaphore(value: 0)
    }

    init() async throws {
        let cluster = try await PrivatePostgres.shared()
        let path = "\(cluster.socketDirectory)/.s.PGSQL.\(cluster.port)"
        let state = State()
        self.state = state
        loopback = Loopback { client in
            guard let first = client.read(exactly: 8), let server = Stream(unixSocketAt: path) else { return }
            defer { close(server.descriptor) }
            // The code of CancelRequest. Source: PostgreSQL's documentation, "Message Formats".
            if first.suffix(4).elementsEqual([4, 210, 22, 46]) {
                state.cancels.withLock { $0.came += 1 }
                state.cancelGate.wait()
                state.cancelGate.signal()
                server.write(first + (client.read(exactly: 8) ?? []))
                while !server.readSome().isEmpty {}
                state.cancels.withLock { $0.arrived += 1 }
                return
            }
            server.write(first)
            Self.pump(client, server, state)
        }
    }

    private static func pump(_ client: Stream, _ server: Stream, _ state: State) {
        let answers = DispatchWorkItem {
            while case let bytes = server.readSome(), !bytes.isEmpty { client.write(bytes) }
            client.end()
        }
        DispatchQueue(label: "proxy").async(execute: answers)
        while case let bytes = client.readSome(), !bytes.isEmpty {
            state.sent.withLock { $0 += bytes }
            if state.holdsStatements.withLock({ $0 }) { state.statementGate.wait() }
            server.write(bytes)
        }
        server.end()
        answers.wait()
    }

    func connect(queryTimeout: Duration = .seconds(20)) async throws -> PostgresConnection {
        try await PostgresConnection.connect(
            PostgresConfiguration(
                connectionString: "host=127.0.0.1 port=\(loopback.port) user=postgres dbname=postgres",
                overrides: [("sslmode", "disable"), ("gssencmode", "disable")], queryTimeout: queryTimeout))
    }

    /// Whether this text was sent to the server.
    func hasSeen(_ text: String) -> Bool {
        state.sent.withLock { $0.contains(Array(text.utf8)) }
    }

    var port: UInt16 { loopback.port }

    /// How many requests to cancel came.
    var cancelCount: Int { state.cancels.withLock { $0.came } }

    /// How many of them the server has got.
    var arrivedCancelCount: Int { state.cancels.withLock { $0.arrived } }

    /// Lets the requests to cancel through, those to come too.
    func releaseCancels() {
        state.cancelGate.signal()
    }

    /// Holds back what is sent from now on, but for requests to cancel. For one connection.
    func holdStatements() {
        state.holdsStatements.withLock { $0 = true }
    }

    func releaseStatements() {
        state.holdsStatements.withLock { $0 = false }
        state.statementGate.signal()
    }

    func stop() {
        releaseCancels()
        loopback.stop()
    }
}
