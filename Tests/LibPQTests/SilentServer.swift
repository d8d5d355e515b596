import Synchronization

/// Takes connections and says nothing until they end.
final class SilentServer: Sendable {
    private let loopback: Loopback
    private let counter: Counter

    private final class Counter: Sendable {
        let value = Mutex(0)
    }

    /// - Parameters: see ``Loopback``.
    init(host: UInt8 = 1, port: UInt16 = 0) {
        let counter = Counter()
        self.counter = counter
        loopback = Loopback(host: host, port: port) { client in
            counter.value.withLock { $0 += 1 }
            while !client.readSome().isEmpty {}
        }
    }

    var port: UInt16 { loopback.port }

    /// How many connections came.
    var count: Int { counter.value.withLock { $0 } }

    func stop() {
        loopback.stop()
    }
}
