import LibPQ
import TestSupport
import Testing

/// Over TLS all is as without, and a server that is not the one that was named is refused.
@Suite(
    .concurrencyLimited, .timeLimit(.minutes(10)), .enabled(if: TLSServer.isPossible, "openssl makes the certificates"))
struct TLSTests {
    @Test func onlyTheServerThatWasNamedIsConnectedTo() async throws {
        let server = try await TLSServer()
        let wrong = await server.refusal(as: "other.test")
        #expect(wrong?.kind == .connectFailed)
        #expect(wrong?.message.contains("does not match host name \"other.test\"") == true, "\(wrong as Any)")
        try await server.show(.expired)
        #expect(await server.refusal()?.kind == .connectFailed)
        await server.stop()
    }

    @Test func aLargeResultAndNotificationsComeOverTLS() async throws {
        let server = try await TLSServer()
        let (listener, sender) = (try await server.connect(), try await server.connect())
        let isEncrypted = PostgresStatement("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        #expect(try await listener.query(isEncrypted)[0].decode("ssl", as: Bool.self))
        _ = try await listener.query(PostgresStatement("LISTEN tls_test"))
        // Idle, busy, and with answers of many TLS records in between.
        async let large = listener.query(
            PostgresStatement("SELECT repeat('x', 1000 + n % 7) AS text FROM generate_series(1, 20000) AS n"))
        for round in 0..<50 {
            let notify =
                "SELECT pg_notify('tls_test', lpad((n + $1)::text, 7000, '0')) FROM generate_series(1, 20) AS n"
            _ = try await sender.query(PostgresStatement(notify, [.int32(Int32(round * 20))]))
        }
        let rows = try await large
        #expect(rows.count == 20_000)
        #expect(try rows[19_999].decode("text", as: String.self).count == 1001)
        var heard = 0
        for await notification in listener.notifications {
            heard += 1
            try #require(notification.payload.count == 7000 && Int(notification.payload) == heard)
            if heard == 1000 { break }
        }
        await listener.close()
        await sender.close()
        await server.stop()
    }
}
