import MarketAPI
import TestSupport
import Testing

@testable import struct MarketAPI.BaseURL

@Suite(.concurrencyLimited) struct ConfigurationTests {
    @Test(arguments: [
        ("https://api.partner.market.yandex.ru", "https://api.partner.market.yandex.ru"),
        ("HTTPS://API.Example:8443/Yandex-Go//api/", "https://api.example:8443/Yandex-Go/api"),
        ("https://10.0.0.1/", "https://10.0.0.1"), ("https://[2001:db8::1]:443", "https://[2001:db8::1]:443"),
        ("http://localhost:8080", "http://localhost:8080"), ("http://127.8.9.10/x", "http://127.8.9.10/x"),
        ("http://[::1]:80", "http://[::1]:80"),
    ])
    func aBaseURLIsTakenInOneForm(text: String, expected: String) throws {
        #expect(try BaseURL(text).text == expected)
    }

    @Test(arguments: [
        ("", BaseURL.Flaw.scheme), ("api.example", .scheme), ("ftp://x", .scheme), ("https:/x", .scheme),
        ("https://user:pass@x", .userInfo), ("https://x@localhost", .userInfo), ("https://x?y", .queryOrFragment),
        ("https://x/y#z", .queryOrFragment), ("https://", .host), ("https:///path", .host), ("https://:80", .host),
        ("https://a b", .host), ("https://a\r\nX: y", .host), ("https://хост", .host), ("https://[::1", .host),
        ("https://[x]", .host), ("https://[]", .host), ("https://a%2fb", .host), ("https://x:", .port),
        ("https://x:0", .port), ("https://x:65536", .port), ("https://x:-1", .port), ("https://[::1]x", .port),
        ("https://x:1:2", .port), ("https://x/a b", .path), ("https://x/../y", .path), ("https://x/%2e", .path),
        ("https://x/ж", .path),
        ("http://api.example", .plainHTTPToRemoteHost), ("http://127.0.0.1.example", .plainHTTPToRemoteHost),
        ("http://127.0.0.01", .plainHTTPToRemoteHost), ("http://127.1", .plainHTTPToRemoteHost),
        ("http://localhost.example", .plainHTTPToRemoteHost), ("http://128.0.0.1", .plainHTTPToRemoteHost),
        ("http://127.0.0.256", .plainHTTPToRemoteHost), ("http://0.0.0.0", .plainHTTPToRemoteHost),
        ("http://[::ffff:127.0.0.1]", .plainHTTPToRemoteHost),
    ])
    func aBaseURLWithAFlawIsRefused(text: String, flaw: BaseURL.Flaw) {
        #expect(throws: flaw) { try BaseURL(text) }
    }

    @Test func allMistakesAreReportedAtOnceAndNoValueIsRepeated() throws {
        let error = try #require(throws: MarketConfigurationError.self) {
            try MarketClientConfiguration(
                baseURL: "https://user:hunter2@host", integration: "name\n/1", requestTimeout: .zero, maxConnections: 0,
                trustRootsFile: "/nonexistent/roots.pem")
        }
        #expect(error.problems.map(\.field) == MarketConfigurationError.Field.allCases)
        #expect(!error.description.contains("hunter2"))
        #expect(!error.description.contains("\n"))
    }

    @Test(arguments: ["", " x/1", "x/1 ", "x\r\ny/1", "имя/1", String(repeating: "x", count: 101)])
    func anIntegrationNameThatCannotBeAHeaderIsRefused(name: String) {
        #expect(throws: MarketConfigurationError.self) { try MarketClientConfiguration(integration: name) }
    }

    @Test func theDefaultsAreTheVendorsHost() throws {
        _ = try MarketClientConfiguration(integration: String(repeating: "x", count: 100))
        #expect(MarketClientConfiguration.defaultBaseURL == "https://api.partner.market.yandex.ru")
    }

    @Test func aFileWithoutACertificateIsRefused() throws {
        let error = try #require(throws: MarketConfigurationError.self) {
            try MarketClientConfiguration(integration: "x/1", trustRootsFile: "/dev/null")
        }
        #expect(error.problems.map(\.field) == [.trustRootsFile])
    }
}

@Suite(.concurrencyLimited) struct SecretTests {
    @Test func aSecretShowsItselfNowhere() {
        let secret = SecretString("hunter2")
        var dumped = ""
        dump([secret], to: &dumped)
        let mirrored = Mirror(reflecting: secret).children.map { "\($0.value)" }.joined()
        let texts = [
            "\(secret)", String(describing: secret), String(reflecting: secret), secret.description, dumped, mirrored,
            "\([secret])", "\(Optional(secret) as Any)", "\(MarketCredential.apiKey(secret))",
            String(reflecting: MarketCredential.oauthToken(secret)),
        ]
        for text in texts { #expect(!text.contains("hunter2")) }
        #expect("\(secret)" == "***")
        #expect(secret.revealed() == "hunter2")
        #expect(secret == SecretString("hunter2") && secret != SecretString("hunter3"))
    }

    @Test func aClientShowsNoSecret() async throws {
        let configuration = try MarketClientConfiguration(integration: "x/1")
        let client = HTTPMarketClient(configuration: configuration) { _ in .apiKey(SecretString(testKey)) }
        var dumped = ""
        dump(client, to: &dumped)
        #expect(!dumped.contains("ACMA"))
        await client.shutdown()
    }
}
