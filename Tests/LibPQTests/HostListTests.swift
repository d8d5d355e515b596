import TestSupport
import Testing

@testable import LibPQ

#if canImport(Glibc)
    import Glibc
#endif

/// Lists of hosts are read as libpq reads them.
@Suite(.concurrencyLimited) struct HostListTests {
    private static func hosts(_ text: String) throws(PostgresError) -> [String] {
        let list = try HostList(of: PostgresConfiguration(connectionString: text))
        return list.hosts.map { "\($0.name)|\($0.address)|\($0.port)" }
    }

    @Test(arguments: [
        ("postgresql://u:p@a,b/shop", ["a||5432", "b||5432"]),
        ("postgresql://u:p@a:1,b/shop", ["a||1", "b||5432"]),
        ("postgresql://u:p@a,b:2/shop", ["a||5432", "b||2"]),
        ("postgresql://u:p@a:1,[::1]:2/shop", ["a||1", "::1||2"]),
        ("postgresql://u:p@%2Frun,b/shop", ["/run||5432", "b||5432"]),
        ("postgresql://u:p@/shop?host=a,b&port=7", ["a||7", "b||7"]),
        ("host=a,b port=1,2", ["a||1", "b||2"]),
        ("host=a,b port=1,", ["a||1", "b||5432"]),
        ("host=a,,b port=3", ["a||3", "||3", "b||3"]),
        ("hostaddr=10.0.0.1,10.0.0.2 port=4", ["|10.0.0.1|4", "|10.0.0.2|4"]),
        ("host=a,/run hostaddr=10.0.0.1, port=5", ["a|10.0.0.1|5", "/run||5"]),
        ("host=a port=6", ["a||6"]),
    ]) func eachHostHasItsPort(_ text: String, _ expected: [String]) throws {
        #expect(try Self.hosts(text) == expected)
    }

    @Test(arguments: [
        ("postgresql://app:s3cret@a,b:7/shop", "app@a,b/shop"),
        ("postgresql://app:s3cret@[::1]/shop", "app@::1/shop"),
        ("postgresql://app@/shop?host=/run", "app@local/shop"),
        ("host=/run user=app", "app@local/app"),
        ("hostaddr=10.0.0.1 user=app dbname=shop", "app@10.0.0.1/shop"),
        ("host=a user='o p' dbname='s3:cret@h'", "…@a/…"),
        ("postgresql://app%3As3cret@a/shop", "…@a/shop"),
        ("host=app:s3cret user=app dbname=shop", "app@…/shop"),
        ("host=fe80::1%eth0 user=app dbname=shop", "app@fe80::1%eth0/shop"),
        (
            "host=db.abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghijklm.example user=app",
            "app@db.abcdefghijklmnopqrstuvwxyz-abcdefghijklmnopqrstuvwxyz-abcdefghijklm.example/app"
        ),
    ]) func messagesNameThePlace(_ text: String, _ expected: String) throws {
        #expect(try HostList(of: PostgresConfiguration(connectionString: text)).place == expected)
    }

    /// libpq and the server repeat them.
    @Test(arguments: [
        "host=/nonexistent user=app dbname='shop&password=s3cret'", "host=/nonexistent;password=s3cret user=app",
        "host=127.0.0.1 port=1 user='app;password=s3cret'", "host=app:s3cret user=app",
    ]) func noMessageHasWhatMayBeAPassword(_ text: String) async {
        let error = await #expect(throws: PostgresError.self) {
            _ = try await PostgresConnection.connect(PostgresConfiguration(connectionString: text))
        }
        #expect(error?.message.contains("s3cret") == false, "\(error as Any)")
    }

    @Test(arguments: [
        "host=a,b port=1,2,3", "host=a,b,c port=1,2", "host=a port=1,2", "host=a,b hostaddr=10.0.0.1",
        "host=a port=0", "host=a port=65536", "postgresql://user:s3cret/word@a/shop",
        "postgresql://user:s3@cret@a,b/shop", "host=@s3@cret user=app",
    ]) func whatFitsNoHostIsAMistakeAndTellsNoSecret(_ text: String) throws {
        let error = #expect(throws: PostgresError.self) { _ = try Self.hosts(text) }
        #expect(error?.kind == .misuse)
        #expect(error?.message.contains("s3") == false && error?.message.contains("cret") == false)
    }

    /// In a process of its own: the environment is everybody's.
    @Test func serviceFilesAndVariablesNameListsToo() async {
        await #expect(processExitsWith: .success) {
            var path = Array("/tmp/market-chatd-service-XXXXXX".utf8CString)
            let descriptor = mkstemp(&path)
            let text = "[lists]\nhost=a,b\nuser=u\n[ports]\nhost=a,b\nport=1,2\nconnect_timeout=7\n"
            #expect(write(descriptor, text, text.utf8.count) == text.utf8.count)
            close(descriptor)
            setenv("PGSERVICEFILE", path, 1)
            setenv("PGPORT", "9", 1)
            #expect(try HostListTests.hosts("service=lists") == ["a||9", "b||9"])
            #expect(try HostListTests.hosts("service=ports") == ["a||1", "b||2"])
            #expect(throws: PostgresError.self) { _ = try HostListTests.hosts("service=ports host=c") }
            #expect(try HostListTests.hosts("postgresql:///shop?service=lists&port=3") == ["a||3", "b||3"])
            let list = try HostList(of: PostgresConfiguration(connectionString: "service=ports"))
            #expect(list.addressTimeout == .seconds(7))
            // What names its hosts but not their ports means libpq's own port, whatever the variable says.
            #expect(try HostListTests.hosts("postgresql://a,b/shop") == ["a||5432", "b||5432"])
            setenv("PGSERVICE", "lists", 1)
            #expect(try HostListTests.hosts("") == ["a||9", "b||9"])
            unsetenv("PGSERVICE")
            setenv("PGHOST", "c,d", 1)
            setenv("PGPORT", "1,2", 1)
            #expect(try HostListTests.hosts("user=u") == ["c||1", "d||2"])
            unlink(path)
        }
    }

    @Test func anUnknownServiceIsAMistakeOfTheConfiguration() async throws {
        let error = await failure { () async throws(PostgresError) in
            try await PostgresConnection.connect(PostgresConfiguration(connectionString: "service=nowhere_to_be_found"))
        }
        #expect(error?.kind == .misuse && error?.message.contains("pg_service.conf") == true, "\(error as Any)")
    }
}
