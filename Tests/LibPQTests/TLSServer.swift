import Glibc
import Harness
import PrivatePostgres
import Synchronization
import Testing

@testable import LibPQ

/// A cluster that speaks TLS as `db.test`, with certificates of an authority of its own.
final class TLSServer: Sendable {
    private static let name = "db.test"
    private static let count = Atomic(0)
    private let cluster: PrivatePostgres
    private let address: String

    /// Certificates that the server may show.
    enum Certificate: String {
        case good, expired
    }

    /// Whether there is a program to make certificates with.
    static var isPossible: Bool {
        let path = getenv("PATH").map { String(cString: $0) } ?? ""
        return path.split(separator: ":").contains { access("\($0)/openssl", X_OK) == 0 }
    }

    init() async throws {
        // A loopback address of our own, whose ports nobody else uses. Unix sockets have no TLS.
        let process = getpid()
        let number = Self.count.add(1, ordering: .relaxed).newValue
        let address = "127.\(number * 64 + Int(process >> 16 & 63)).\(process >> 8 & 255).\(process & 255)"
        self.address = address
        cluster = try await PrivatePostgres.start(extraSettings: ["listen_addresses": "'\(address)'"])
        do {
            try await makeCertificates()
        } catch {
            await cluster.stopAndRemove()
            throw error
        }
    }

    /// Run by the server, so that the files are its own, and go with its directory.
    private func makeCertificates() async throws {
        let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
        let signed = "openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names"
        let commands = [
            "openssl req -x509 \(key) -days 2 -subj /CN=authority -keyout ca.key -out ca.pem",
            "openssl req \(key) -subj /CN=\(Self.name) -keyout server.key -out server.csr",
            "echo subjectAltName=DNS:\(Self.name) > names",
            "\(signed) -days 2 -out good.pem",
            "\(signed) -days 0 -out expired.pem",
        ].map { "\($0) 2>&1" }.joined(separator: " && ")
        try await cluster.psql(
            script: """
                COPY (SELECT 1) TO PROGRAM $$umask 077; cat > /dev/null; (\(commands)) > certificates.log$$;
                ALTER SYSTEM SET ssl_key_file = 'server.key';
                ALTER SYSTEM SET ssl = on;
                """)
        try cluster.prependAccessRules(["hostssl all all 127.0.0.0/8 trust"])
        try await show(.good)
    }

    /// Shows this certificate from now on, .
    func show(_ certificate: Certificate) async throws {
        try await cluster.psql(script: "ALTER SYSTEM SET ssl_cert_file = '\(certificate.rawValue).pem'")
        try await cluster.reload()
        // It does so a moment after it was told to.
        try #require(
            try await comesTrue {
                let message = await refusal()?.message
                return certificate == .good ? message == nil : message?.contains("certificate verify failed") == true
            })
    }

    /// - Parameter name: what stands for the server's address.
    func connect(as name: String = TLSServer.name) async throws(PostgresError) -> PostgresConnection {
        let address = address
        return try await PostgresConnection.connect(
            PostgresConfiguration(
                connectionString: "postgresql://postgres@\(name)/postgres?sslmode=verify-full",
                overrides: [("sslrootcert", "\(cluster.dataDirectory)/ca.pem"), ("gssencmode", "disable")]),
            lookup: HostLookup { _ in .success([address]) })
    }

    /// Why nobody can connect; `nil` where it is possible.
    func refusal(as name: String = TLSServer.name) async -> PostgresError? {
        await failure { () async throws(PostgresError) in try await self.connect(as: name).close() }
    }

    func stop() async {
        await cluster.stopAndRemove()
    }
}
