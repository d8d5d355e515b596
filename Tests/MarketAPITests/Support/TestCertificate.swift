import Foundation
import NIOSSL
import Testing

/// A self-signed certificate and its key, made by the `openssl` program, as files of their own directory.
struct TestCertificate {
    let directory: URL
    var certificateFile: String { directory.appendingPathComponent("certificate.pem").path }
    private var keyFile: String { directory.appendingPathComponent("key.pem").path }

    /// - Parameter names: such as `DNS:localhost` or `IP:127.0.0.1`.
    init(names: String) throws {
        directory = FileManager.default.temporaryDirectory.appendingPathComponent("market-api-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
        let openssl = Process()
        openssl.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        openssl.arguments = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "2", "-subj", "/CN=market-api-test", "-addext", "subjectAltName=\(names)", "-keyout", keyFile, "-out",
            certificateFile,
        ]
        openssl.standardError = FileHandle.nullDevice
        openssl.standardOutput = FileHandle.nullDevice
        do {
            try openssl.run()
            openssl.waitUntilExit()
            try #require(openssl.terminationStatus == 0, "openssl failed")
        } catch {
            remove()
            throw error
        }
    }

    func serverContext(_ change: (inout TLSConfiguration) -> Void = { _ in }) throws -> NIOSSLContext {
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificateFile).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: keyFile, format: .pem)))
        change(&configuration)
        return try NIOSSLContext(configuration: configuration)
    }

    func remove() {
        try? FileManager.default.removeItem(at: directory)
    }
}
