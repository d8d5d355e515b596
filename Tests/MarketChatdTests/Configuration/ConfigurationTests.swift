import Logging
import MarketAPI
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited) struct ConfigurationTests {
    static let least = ["MARKET_BUSINESS_IDS": "12345", "MARKET_API_KEY": "ACMA:key"]

    private func read(_ additions: [String: String], files: [String: FileContents] = [:]) throws(ConfigurationErrors)
        -> Configuration
    {
        let environment = Self.least.merging(additions) { $1 }
        return try Configuration.read(environment: environment, reader: .fake(files))
    }

    /// The mistakes as they are told.
    private func mistakes(_ additions: [String: String], files: [String: FileContents] = [:]) -> [String] {
        do {
            _ = try read(additions, files: files)
            return []
        } catch {
            return error.mistakes.map(\.description)
        }
    }

    @Test func twoKeysAreEnoughAndTheRestHasTheDocumentedDefaults() throws {
        let configuration = try read([:])
        #expect(configuration.databaseURL.revealed() == "")
        #expect(configuration.businessIDs == [12345])
        #expect(configuration.keys.credential(for: 12345) == .apiKey(SecretString("ACMA:key")))
        #expect(configuration.apiURL == "https://api.partner.market.yandex.ru")
        #expect(configuration.caFile == nil)
        #expect(configuration.requestsPerHour == 1000)
        #expect(configuration.quotaReserve == 0)
        #expect(configuration.maxParallel == 2)
        #expect(configuration.requestTimeout == .seconds(15))
        #expect(configuration.isKeepAlive == false)
        #expect(configuration.pollInterval == .seconds(10))
        #expect(configuration.retryBase == .seconds(2))
        #expect(configuration.retryMax == .seconds(900))
        #expect(configuration.notFoundPatience == .seconds(7200))
        #expect(configuration.drainTimeout == .seconds(30))
        #expect(configuration.retention == nil)
        #expect(configuration.httpListen == ListenAddress(host: "127.0.0.1", port: 9464))
        #expect(configuration.logs == LogConfiguration(level: .info, format: .auto))
        #expect(configuration.warnings.isEmpty)
    }

    @Test func everyValueIsTaken() throws {
        let configuration = try read([
            "DATABASE_URL": "host=a,b dbname=shop", "MARKET_BUSINESS_IDS": " 1 , 9223372036854775807,3",
            "MARKET_API_URL": "http://127.0.0.1:8080/market/", "MARKET_REQUESTS_PER_HOUR": "500",
            "MARKET_QUOTA_RESERVE": "499", "MARKET_MAX_PARALLEL": "4", "MARKET_REQUEST_TIMEOUT": "1m",
            "MARKET_KEEP_ALIVE": "Yes", "CHATD_POLL_INTERVAL": "500ms", "CHATD_RETRY_BASE": "100ms",
            "CHATD_RETRY_MAX": "1h", "CHATD_NOT_FOUND_PATIENCE": "0", "CHATD_DRAIN_TIMEOUT": "5s",
            "CHATD_RETENTION": "90d", "CHATD_HTTP_LISTEN": "off", "CHATD_LOG_LEVEL": "debug",
            "CHATD_LOG_FORMAT": "json",
        ])
        #expect(configuration.databaseURL.revealed() == "host=a,b dbname=shop")
        #expect(configuration.businessIDs == [1, .max, 3])
        #expect(configuration.requestsPerHour == 500)
        #expect(configuration.quotaReserve == 499)
        #expect(configuration.maxParallel == 4)
        #expect(configuration.requestTimeout == .seconds(60))
        #expect(configuration.isKeepAlive)
        #expect(configuration.pollInterval == .milliseconds(500))
        #expect(configuration.retryBase == .milliseconds(100))
        #expect(configuration.retryMax == .seconds(3600))
        #expect(configuration.notFoundPatience == .zero)
        #expect(configuration.drainTimeout == .seconds(5))
        #expect(configuration.retention == .seconds(90 * 86_400))
        #expect(configuration.httpListen == nil)
        #expect(configuration.logs == LogConfiguration(level: .debug, format: .json))
    }

    @Test func anEmptyValueIsNotSet() throws {
        let empty = Dictionary(uniqueKeysWithValues: ConfigurationKey.allCases.map { ($0.rawValue, "") })
        let configuration = try Configuration.read(
            environment: empty.merging(Self.least) { $1 }, reader: .fake([:]))
        #expect(configuration.pollInterval == .seconds(10))
        #expect(configuration.httpListen != nil)
        #expect(configuration.warnings.isEmpty)
    }

    @Test func allMistakesAreToldAtOnce() {
        let keys = [
            "DATABASE_URL": "nonsense", "MARKET_BUSINESS_IDS": "0", "MARKET_API_KEY": "a b",
            "MARKET_API_URL": "ftp://x",
            "MARKET_CA_FILE": "/none", "MARKET_REQUESTS_PER_HOUR": "-1", "MARKET_QUOTA_RESERVE": "x",
            "MARKET_MAX_PARALLEL": "5", "MARKET_REQUEST_TIMEOUT": "15", "MARKET_KEEP_ALIVE": "maybe",
            "CHATD_POLL_INTERVAL": "1ms", "CHATD_RETRY_BASE": "2 s", "CHATD_RETRY_MAX": "2d",
            "CHATD_NOT_FOUND_PATIENCE": "forever", "CHATD_DRAIN_TIMEOUT": "-5s", "CHATD_RETENTION": "90s",
            "CHATD_HTTP_LISTEN": "9464", "CHATD_LOG_LEVEL": "warn", "CHATD_LOG_FORMAT": "xml",
        ]
        let told = mistakes(keys)
        for key in keys.keys {
            #expect(told.count { $0.hasPrefix(key + " ") } == 1, "\(key): \(told)")
        }
        #expect(told.count == keys.count)
    }

    static let refused: [(String, String, String)] = [
        ("MARKET_BUSINESS_IDS", "1,,2", "has an empty place between its commas"),
        ("MARKET_BUSINESS_IDS", "1,2,", "has an empty place between its commas"),
        ("MARKET_BUSINESS_IDS", "7,7", "names 7 twice"),
        ("MARKET_BUSINESS_IDS", "1,07,7", "names 7 twice"),
        ("MARKET_BUSINESS_IDS", "-1", "holds \"-1\", which is not a cabinet id"),
        ("MARKET_BUSINESS_IDS", "+1", "holds \"+1\", which is not a cabinet id"),
        ("MARKET_BUSINESS_IDS", "1;2", "holds \"1;2\", which is not a cabinet id"),
        ("MARKET_BUSINESS_IDS", "9223372036854775808", "which is not a cabinet id"),
        ("MARKET_MAX_PARALLEL", "0", "is \"0\", out of its range: write a number from 1 to 4"),
        ("MARKET_MAX_PARALLEL", "2.5", "is \"2.5\", not a whole number"),
        ("MARKET_MAX_PARALLEL", "99999999999999999999", "not a whole number"),
        ("MARKET_QUOTA_RESERVE", "1000", "leaves nothing to market-chatd"),
        ("CHATD_POLL_INTERVAL", "10", "not a duration: write a whole number with ms, s, m, h or d, such as 10s"),
        ("CHATD_POLL_INTERVAL", "10 s", "not a duration"),
        ("CHATD_POLL_INTERVAL", "1.5s", "not a duration"),
        ("CHATD_POLL_INTERVAL", "2h", "out of its range: write a duration from 100ms to 1h"),
        ("CHATD_RETRY_BASE", "16m", "is longer than CHATD_RETRY_MAX: write a duration up to 15m"),
        ("CHATD_RETENTION", "59m", "out of its range: write a duration from 1h to 3650d"),
        ("CHATD_LOG_LEVEL", "warn", "did you mean warning?"),
        ("CHATD_HTTP_LISTEN", "127.0.0.300:1", "not an address and a port"),
        ("CHATD_HTTP_LISTEN", "127.0.0.1:65536", "not an address and a port"),
        ("CHATD_HTTP_LISTEN", ":9464", "not an address and a port"),
        ("CHATD_HTTP_LISTEN", "::1:9464", "not an address and a port"),
        ("CHATD_HTTP_LISTEN", "[::g]:9464", "not an address and a port"),
        ("DATABASE_URL", "mysql://host/db", "is neither a postgresql:// address nor a list of parameter=value"),
        ("DATABASE_URL", "postgresql://u:p%zz@h/d", "holds a % that does not begin an escape"),
        ("DATABASE_URL", "postgresql://u:p%", "holds a % that does not begin an escape"),
        ("DATABASE_URL", "host=a\ndbname=b", "holds a control character"),
        ("MARKET_API_URL", "http://example.com", "http:// is for a loopback host"),
        ("MARKET_API_URL", "https://user:password@example.com", "must not hold a user name or a password"),
    ]

    @Test(arguments: refused) func aWrongValueIsRefusedWithCauseAndCure(key: String, value: String, reason: String) {
        let told = mistakes([key: value])
        #expect(told.count == 1, "\(told)")
        #expect(told.first?.hasPrefix(key) == true)
        #expect(told.first?.contains(reason) == true, "\(told)")
    }

    static let addresses: [(String, String, Int, Bool)] = [
        ("127.0.0.1:1", "127.0.0.1", 1, true), ("127.9.9.9:80", "127.9.9.9", 80, true),
        ("[::1]:9464", "::1", 9464, true),
        ("localhost:0", "localhost", 0, true), ("0.0.0.0:65535", "0.0.0.0", 65535, false), ("[::]:1", "::", 1, false),
        ("metrics.example:1", "metrics.example", 1, false),
    ]

    @Test(arguments: addresses) func anAddressIsAHostAndAPort(text: String, host: String, port: Int, isLoopback: Bool)
        throws
    {
        let address = try #require(ListenAddress(text))
        #expect(address == ListenAddress(host: host, port: port))
        #expect(address.isLoopback == isLoopback)
        #expect(address.description == text)
    }

    @Test func aListenerThatOthersCanReachIsWarnedOf() throws {
        let warnings = try read(["CHATD_HTTP_LISTEN": "0.0.0.0:9464"]).warnings
        #expect(warnings.map(\.key) == ["CHATD_HTTP_LISTEN"])
    }

    @Test func anUnknownKeyIsWarnedOfWithTheNearestName() throws {
        let warnings = try read([
            "MARKET_BUSINES_IDS": "1", "CHATD_LOGLEVEL": "debug", "MARKET_COLOUR": "red", "OTHER": "x",
            "MARKET_API_KEY_abc": "ACMA:secret", "MARKET_API_KEY_007": "ACMA:secret",
        ]).warnings.map(\.description)
        #expect(warnings.contains("MARKET_BUSINES_IDS is not known and is ignored; did you mean MARKET_BUSINESS_IDS?"))
        #expect(warnings.contains("CHATD_LOGLEVEL is not known and is ignored; did you mean CHATD_LOG_LEVEL?"))
        #expect(warnings.contains("MARKET_COLOUR is not known and is ignored"))
        #expect(warnings.count { $0.contains("goes on with a cabinet id") } == 2)
        #expect(warnings.count == 5)
    }

    @Test func noMessageShowsASecretThatIsInTheWrongPlace() {
        let secrets = [
            "ACMA:abcdef:12", "postgresql://u:hunter2@h/d", "0123456789abcdef0123456789abcdef", "password=hunter2",
        ]
        for secret in secrets {
            for key in ConfigurationKey.allCases where key != .caFile && key != .apiKeyFile {
                for value in [secret, secret + " ", secret + "\n", "\"\(secret)\"", "%zz" + secret] {
                    do {
                        _ = try Configuration.read(
                            environment: Self.least.merging([key.rawValue: value]) { $1 }, reader: .fake([:]))
                    } catch {
                        let told = "\(error.mistakes) \(error.warnings)"
                        #expect(!told.contains("abcdef") && !told.contains("hunter2"), "\(key): \(told)")
                    }
                }
            }
        }
    }

    @Test func aDumpOfTheConfigurationShowsNoSecret() throws {
        let configuration = try read(["DATABASE_URL": "postgresql://u:hunter2@h/d"])
        var text = ""
        dump(configuration, to: &text)
        #expect(!(text + "\(configuration)").contains("hunter2"))
        #expect(!(text + "\(configuration)").contains("ACMA:key"))
    }

    @Test func migrateNeedsTheDatabaseAlone() throws {
        let configuration = try DatabaseConfiguration.read(environment: ["DATABASE_URL": "dbname=shop"])
        #expect(configuration.databaseURL.revealed() == "dbname=shop")
        #expect(throws: ConfigurationErrors.self) {
            try DatabaseConfiguration.read(environment: ["DATABASE_URL": "nonsense"])
        }
    }

    @Test func aTimeoutShorterThanTheMarketsOwnIsWarnedOf() throws {
        #expect(try read(["MARKET_REQUEST_TIMEOUT": "9s"]).warnings.map(\.key) == ["MARKET_REQUEST_TIMEOUT"])
        #expect(try read(["MARKET_REQUEST_TIMEOUT": "10s"]).warnings.isEmpty)
    }
}

extension FileReader {
    /// Files that are only here; every other one is missing.
    static func fake(_ files: [String: FileContents], problems: [String: FileProblem] = [:]) -> FileReader {
        FileReader { path, limitBytes in
            if let problem = problems[path] { return .failure(problem) }
            guard let contents = files[path] else { return .failure(.missing) }
            return contents.bytes.count > limitBytes ? .failure(.tooLong(limitBytes: limitBytes)) : .success(contents)
        }
    }
}

extension FileContents {
    init(text: String, isWorldReadable: Bool = false) {
        self.init(Array(text.utf8), isWorldReadable: isWorldReadable)
    }
}
