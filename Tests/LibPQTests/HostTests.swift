import Dispatch
import Harness
import PrivatePostgres
import TestSupport
import Testing

@testable import LibPQ

#if canImport(Glibc)
    import Glibc
#endif

/// Which of several hosts and addresses is connected to.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct HostTests {
    private let plain = [(key: "sslmode", value: "disable"), (key: "gssencmode", value: "disable")]

    /// A name that stands for these addresses.
    private func lookup(_ addresses: [String: [String]]) -> HostLookup {
        HostLookup { name in
            addresses[name].map { .success($0) } ?? .failure(PostgresError(.connectFailed, "\(name) is unknown"))
        }
    }

    private func connects(_ configuration: PostgresConfiguration, lookup: HostLookup = .system) async throws {
        let connection = try await PostgresConnection.connect(configuration, lookup: lookup)
        _ = try await connection.query(PostgresStatement("SELECT 1"))
        await connection.close()
    }

    @Test func aURLOfSeveralHostsNeedsNoPorts() async throws {
        let cluster = try await PrivatePostgres.shared()
        let socket = cluster.socketDirectory.split(separator: "/").map { "%2F\($0)" }.joined()
        // The cluster has the port that libpq takes where none is given.
        try await connects(
            PostgresConfiguration(connectionString: "postgresql://postgres@%2Fnonexistent,\(socket)/postgres"))
    }

    @Test func onePortIsForAllHosts() async throws {
        let proxy = try await Proxy()
        defer { proxy.stop() }
        try await connects(
            PostgresConfiguration(
                connectionString: "host=/nonexistent,127.0.0.1 port=\(proxy.port) user=postgres dbname=postgres",
                overrides: plain))
    }

    @Test func everyAddressOfANameGetsItsShareOfTheTime() async throws {
        let proxy = try await Proxy()
        defer { proxy.stop() }
        let silent = SilentServer(host: 2, port: proxy.port)
        defer { silent.stop() }
        try await connects(
            PostgresConfiguration(
                connectionString: "host=db.test port=\(proxy.port) user=postgres dbname=postgres", overrides: plain,
                connectTimeout: .seconds(6)),
            lookup: lookup(["db.test": ["127.0.0.2", "127.0.0.1"]]))
        #expect(try await comesTrue { silent.count == 1 })
    }

    @Test func theAddressThatTookTheLastConnectionComesFirst() async throws {
        let proxy = try await Proxy()
        defer { proxy.stop() }
        let silent = SilentServer(host: 2, port: proxy.port)
        defer { silent.stop() }
        let configuration = PostgresConfiguration(
            connectionString: "host=127.0.0.2,db.test,127.0.0.2 port=\(proxy.port) user=postgres dbname=postgres",
            overrides: plain, connectTimeout: .seconds(12))
        let lookup = lookup(["127.0.0.2": ["127.0.0.2"], "db.test": ["127.0.0.2", "127.0.0.1"]])
        try await connects(configuration, lookup: lookup)
        #expect(try await comesTrue { silent.count == 2 })
        try await connects(configuration, lookup: lookup)
        #expect(silent.count == 2)
    }

    @Test func anAddressThatANameNoLongerStandsForIsNotTried() async throws {
        let proxy = try await Proxy()
        defer { proxy.stop() }
        let configuration = PostgresConfiguration(
            connectionString: "host=db.test port=\(proxy.port) user=postgres dbname=postgres", overrides: plain)
        try await connects(configuration, lookup: lookup(["db.test": ["127.0.0.1"]]))
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(configuration, lookup: lookup(["db.test": ["127.0.0.3"]]))
        }
        #expect(error?.kind == .connectFailed && error?.message.contains("127.0.0.3") == true)
    }

    /// As with `localhost`, which is often `::1` first, where nobody listens.
    @Test func whatAServerSaysCountsForAllAddressesOfItsName() async throws {
        let proxy = try await Proxy()
        defer { proxy.stop() }
        let silent = SilentServer(host: 2, port: proxy.port)
        defer { silent.stop() }
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(
                PostgresConfiguration(
                    connectionString: "host=db.test port=\(proxy.port) user=postgres dbname=nowhere", overrides: plain),
                lookup: lookup(["db.test": ["127.0.0.3", "127.0.0.1", "127.0.0.2"]]))
        }
        #expect(error?.sqlState == .invalidCatalogName, "\(error as Any)")
        #expect(silent.count == 0)
    }

    @Test func aLookupThatHangsTakesNoOthersTime() async throws {
        let proxy = try await Proxy()
        defer { proxy.stop() }
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let lookup = HostLookup { name in
            if name == "hangs.test" {
                gate.wait()
                gate.signal()
            }
            return .success(["127.0.0.1"])
        }
        let rest = "port=\(proxy.port) user=postgres dbname=postgres"
        try await connects(
            PostgresConfiguration(
                connectionString: "host=hangs.test,127.0.0.1 \(rest)", overrides: plain, connectTimeout: .seconds(6)),
            lookup: lookup)
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(
                PostgresConfiguration(
                    connectionString: "host=hangs.test \(rest)", connectTimeout: .milliseconds(100)), lookup: lookup)
        }
        #expect(error?.kind == .connectTimedOut && error?.message.contains("hangs.test") == true)
    }

    @Test func allTogetherTakeNoLongerThanOne() async throws {
        let silent = SilentServer(host: 2)
        defer { silent.stop() }
        let names = Array(repeating: "db.test", count: 10).joined(separator: ",")
        let start = ContinuousClock.now
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(
                PostgresConfiguration(
                    connectionString: "host=\(names) port=\(silent.port) user=x", connectTimeout: .milliseconds(500)),
                lookup: lookup(["db.test": ["127.0.0.2", "127.0.0.2"]]))
        }
        #expect(error?.kind == .connectTimedOut)
        #expect(error?.message.contains("host db.test (127.0.0.2) port \(silent.port): no connection") == true)
        // Were it half a second for each of the twenty, it would be ten.
        #expect(ContinuousClock.now - start < .seconds(8))
    }

    @Test func cancellingEndsALookupAndAnAttempt() async throws {
        let silent = SilentServer()
        defer { silent.stop() }
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let isAsked = DispatchSemaphore(value: 0)
        let hangs = HostLookup { _ in
            isAsked.signal()
            gate.wait()
            gate.signal()
            return .success([])
        }
        let lookups = Task {
            await failure { () async throws(PostgresError) in
                try await PostgresConnection.connect(
                    PostgresConfiguration(connectionString: "host=a.test,b.test user=x"), lookup: hangs)
            }
        }
        #expect(try await comesTrue { isAsked.wait(timeout: .now()) == .success })
        lookups.cancel()
        #expect(await lookups.value?.kind == .cancelled)
        let attempts = Task {
            await failure { () async throws(PostgresError) in
                try await PostgresConnection.connect(
                    PostgresConfiguration(connectionString: "host=127.0.0.1 port=\(silent.port) user=x"))
            }
        }
        #expect(try await comesTrue { silent.count == 1 })
        attempts.cancel()
        #expect(await attempts.value?.kind == .cancelled)
    }

    @Test(
        arguments: [("primary", 1), ("standby", 2), ("prefer-standby", 2), ("read-write", 1), ("any", 1)]
            as [(String, Int32)])
    func theFirstOfTheWantedKindIsTaken(_ attributes: String, _ expected: Int32) async throws {
        let (primary, standby) = (FakeServer { FakeServer.ready }, FakeServer(isStandby: true) { FakeServer.ready })
        defer {
            primary.stop()
            standby.stop()
        }
        let rest = "user=x target_session_attrs=\(attributes)"
        for ports in [[primary.port, standby.port], [standby.port, primary.port]] {
            let connection = try await PostgresConnection.connect(
                PostgresConfiguration(
                    connectionString: "host=127.0.0.1,127.0.0.1 port=\(ports[0]),\(ports[1]) \(rest)",
                    overrides: plain))
            let isFirst = ports[0] == (connection.backendPID == 1 ? primary.port : standby.port)
            #expect(attributes == "any" ? isFirst : connection.backendPID == expected)
            await connection.close()
        }
        // With a primary alone.
        let configuration = PostgresConfiguration(
            connectionString: "host=127.0.0.1,127.0.0.1 port=\(primary.port) \(rest)", overrides: plain)
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(configuration).close()
        }
        #expect((error != nil) == (attributes == "standby"), "\(error as Any)")
    }

    @Test func aPasswordFileKnowsTheHostByItsName() async throws {
        let server = PasswordServer()
        defer { server.stop() }
        var path = Array("/tmp/password-file-XXXXXX".utf8CString)
        let descriptor = mkstemp(&path)
        defer { unlink(path) }
        let text = "127.0.0.1:*:*:*:address\ndb.test:\(server.port):*:*:name\n"
        try #require(write(descriptor, text, text.utf8.count) == text.utf8.count)
        close(descriptor)
        let file = path.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(
                PostgresConfiguration(
                    connectionString: "host=other.test,db.test port=\(server.port) user=x passfile=\(file)",
                    overrides: plain),
                lookup: lookup(["db.test": ["127.0.0.1"]]))
        }
        #expect(server.passwords == ["name"], "\(error as Any)")
    }

    /// Behind a name and a socket, the place of each is said twice where libpq takes no empty value.
    @Test func socketsAndAddressesMayStandInOneList() async throws {
        let proxy = try await Proxy()
        defer { proxy.stop() }
        let cluster = try await PrivatePostgres.shared()
        let rest = "user=postgres dbname=postgres"
        try await connects(
            PostgresConfiguration(
                connectionString:
                    "host=\(cluster.socketDirectory),db.test hostaddr=,127.0.0.3 port=,\(proxy.port) \(rest)",
                overrides: plain))
        try await connects(
            PostgresConfiguration(
                connectionString: "host=/nonexistent,db.test hostaddr=,127.0.0.1 port=,\(proxy.port) \(rest)",
                overrides: plain))
        try await connects(
            PostgresConfiguration(
                connectionString: "host=db.test, hostaddr=127.0.0.3,127.0.0.1 port=\(proxy.port) \(rest)",
                overrides: plain))
    }
}
