import LibPQ
import Synchronization

/// Speaks just enough of PostgreSQL's protocol to lie in it.
final class FakeServer: Sendable {
    private let loopback: Loopback

    /// - Parameters:
    ///   - isStandby: whether it says that it is one; then its process is 2, else 1.
    ///   - answer: what it says when it is asked for the first time, and from then on.
    init(isStandby: Bool = false, answer: @escaping @Sendable () -> [UInt8]) {
        loopback = Loopback { client in
            guard let length = client.read(exactly: 4), client.read(exactly: length.bigEndianInt - 4) != nil else {
                return
            }
            let authenticated = Self.message("R", [0, 0, 0, 0])
            let facts = [
                ("server_version", "15.0"), ("in_hot_standby", isStandby ? "on" : "off"),
                ("default_transaction_read_only", "off"),
            ]
            let key = Self.message("K", [0, 0, 0, isStandby ? 2 : 1, 0, 0, 0, 2])
            client.write(authenticated + facts.flatMap(Self.parameter) + key + Self.ready)
            while let head = client.read(exactly: 5), client.read(exactly: head.dropFirst().bigEndianInt - 4) != nil {
                // Sync, or a simple query.
                if head[0] == UInt8(ascii: "S") || head[0] == UInt8(ascii: "Q") { client.write(answer()) }
            }
        }
    }

    func connect(
        within connectTimeout: Duration = .seconds(10), queryTimeout: Duration = .milliseconds(300)
    ) async throws(PostgresError) -> PostgresConnection {
        try await PostgresConnection.connect(
            PostgresConfiguration(
                connectionString: "host=127.0.0.1 port=\(loopback.port) user=x dbname=x",
                overrides: [("sslmode", "disable"), ("gssencmode", "disable")], connectTimeout: connectTimeout,
                queryTimeout: queryTimeout))
    }

    var port: UInt16 { loopback.port }

    func stop() {
        loopback.stop()
    }
}

/// Asks for passwords in clear, and refuses them.
final class PasswordServer: Sendable {
    private let loopback: Loopback
    private let seen: Seen

    private final class Seen: Sendable {
        let passwords = Mutex<[String]>([])
    }

    init() {
        let seen = Seen()
        self.seen = seen
        loopback = Loopback { client in
            guard let length = client.read(exactly: 4), client.read(exactly: length.bigEndianInt - 4) != nil else {
                return
            }
            client.write(FakeServer.message("R", [0, 0, 0, 3]))
            guard let head = client.read(exactly: 5),
                let text = client.read(exactly: head.dropFirst().bigEndianInt - 4)
            else { return }
            seen.passwords.withLock { $0.append(String(decoding: text.dropLast(), as: UTF8.self)) }
            client.write(FakeServer.message("E", Array("SFATAL\0VFATAL\0C28P01\0Mno\0\0".utf8)))
        }
    }

    var port: UInt16 { loopback.port }

    /// In the order in which they came.
    var passwords: [String] { seen.passwords.withLock { $0 } }

    func stop() {
        loopback.stop()
    }
}

// The messages. Source: PostgreSQL's documentation, "Message Formats".
extension FakeServer {
    static let ready = message("Z", Array("I".utf8))
    static let parsed = message("1", [])
    static let bound = message("2", [])

    static func message(_ type: Unicode.Scalar, _ body: [UInt8]) -> [UInt8] {
        [UInt8(ascii: type)] + integer(Int32(body.count + 4)) + body
    }

    /// ParameterStatus.
    static func parameter(_ name: String, _ value: String) -> [UInt8] {
        message("S", Array(name.utf8) + [0] + Array(value.utf8) + [0])
    }

    static func completed(_ tag: String) -> [UInt8] {
        message("C", Array(tag.utf8) + [0])
    }

    /// RowDescription, of columns of this type.
    static func description(_ names: [[UInt8]], type: Int32) -> [UInt8] {
        let rest: [UInt8] = integer(0) + [0, 0] + integer(type) + [255, 255] + integer(-1) + [0, 1]
        let columns: [UInt8] = names.flatMap { name -> [UInt8] in name + [0] + rest }
        return message("T", integer(Int32(names.count)).suffix(2) + columns)
    }

    /// DataRow; `nil` is NULL.
    static func row(_ values: [[UInt8]?]) -> [UInt8] {
        let columns = values.flatMap { value -> [UInt8] in integer(Int32(value?.count ?? -1)) + (value ?? []) }
        return message("D", integer(Int32(values.count)).suffix(2) + columns)
    }

    static func integer(_ value: Int32) -> [UInt8] {
        withUnsafeBytes(of: value.bigEndian) { Array($0) }
    }
}

extension Collection<UInt8> {
    fileprivate var bigEndianInt: Int { reduce(0) { $0 << 8 | Int($1) } }
}
