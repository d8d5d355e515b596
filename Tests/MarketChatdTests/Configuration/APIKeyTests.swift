import MarketAPI
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited) struct APIKeyTests {
    private func read(
        _ environment: [String: String], files: [String: FileContents] = [:], problems: [String: FileProblem] = [:]
    ) throws(ConfigurationErrors) -> Configuration {
        try Configuration.read(
            environment: ["MARKET_BUSINESS_IDS": "1,2"].merging(environment) { $1 },
            reader: .fake(files, problems: problems))
    }

    private func mistakes(
        _ environment: [String: String], files: [String: FileContents] = [:], problems: [String: FileProblem] = [:]
    ) -> [String] {
        do {
            _ = try read(environment, files: files, problems: problems)
            return []
        } catch {
            return error.mistakes.map(\.description)
        }
    }

    private func key(_ text: String) -> MarketCredential { .apiKey(SecretString(text)) }

    @Test func aBusinessOwnKeyGoesBeforeTheSharedOne() throws {
        let keys = try read(["MARKET_API_KEY": "shared", "MARKET_API_KEY_2": "own"]).keys
        #expect(keys.credential(for: 1) == key("shared"))
        #expect(keys.credential(for: 2) == key("own"))
    }

    @Test func aKeyFileIsReadAndItsLineEndsGo() throws {
        let files = ["/k1": FileContents(text: "one\n"), "/k2": FileContents(text: "two\r\n\n")]
        let keys = try read(["MARKET_API_KEY_FILE": "/k1", "MARKET_API_KEY_2_FILE": "/k2"], files: files).keys
        #expect(keys.credential(for: 1) == key("one"))
        #expect(keys.credential(for: 2) == key("two"))
    }

    @Test func aCredentialIsUsedWhereNoVariableIsSet() throws {
        let files = [
            "/run/c/market-api-key": FileContents(text: "shared\n"),
            "/run/c/market-api-key-2": FileContents(text: "own"),
        ]
        let both = try read(["CREDENTIALS_DIRECTORY": "/run/c"], files: files).keys
        #expect(both.credential(for: 1) == key("shared"))
        #expect(both.credential(for: 2) == key("own"))
        let variable = try read(
            ["CREDENTIALS_DIRECTORY": "/run/c", "MARKET_API_KEY": "variable", "MARKET_API_KEY_2": "mine"], files: files
        ).keys
        #expect(variable.credential(for: 1) == key("variable"))
        #expect(variable.credential(for: 2) == key("mine"))
    }

    /// systemd lays credentials out for the daemon alone: a reload's command finds their folder closed.
    @Test func aCredentialThatOnlyTheDaemonSeesIsNoMistakeOfACommand() throws {
        let path = "/run/c/market-api-key"
        let closed = [
            "\(path)": FileProblem.notPermitted(detail: "closed"), "\(path)-2": .missing, "\(path)-1": .missing,
        ]
        let environment = ["MARKET_BUSINESS_IDS": "1,2", "CREDENTIALS_DIRECTORY": "/run/c"]
        #expect(mistakes(environment, problems: closed).count == 1)
        let seen = try Configuration.read(
            environment: environment, reader: .fake([:], problems: closed), seesCredentials: false)
        #expect(
            seen.warnings.map(\.description) == [
                "\(path) is shown by systemd to the daemon alone: it was not looked at"
            ])
    }

    @Test func eachBusinessNeedsAKey() {
        #expect(mistakes([:]).count == 1)
        #expect(mistakes([:]).first?.hasPrefix("MARKET_API_KEY is not set: set MARKET_API_KEY") == true)
        #expect(
            mistakes(["MARKET_API_KEY_1": "own"]).first?.contains("the businesses 2 have no key of their own:") == true)
        #expect(mistakes(["MARKET_API_KEY_1": "own", "MARKET_API_KEY_2": "own"]).isEmpty)
    }

    @Test func aKeyAndItsFileTogetherAreAMistake() {
        let told = mistakes(
            ["MARKET_API_KEY": "a", "MARKET_API_KEY_FILE": "/k"], files: ["/k": FileContents(text: "b")])
        #expect(told == ["MARKET_API_KEY and MARKET_API_KEY_FILE are both set: remove one of them"])
    }

    @Test func aKeyOfABusinessThatIsNotListedIsWarnedOf() throws {
        let warnings = try read(["MARKET_API_KEY": "a", "MARKET_API_KEY_3": "b"]).warnings
        #expect(warnings.map(\.key) == ["MARKET_API_KEY_3"])
    }

    @Test func theOAuthTokenWorksWithAWarningAndExcludesKeys() throws {
        let configuration = try read(["MARKET_OAUTH_TOKEN": "token"])
        #expect(configuration.keys.credential(for: 1) == .oauthToken(SecretString("token")))
        #expect(configuration.warnings.map(\.key) == ["MARKET_OAUTH_TOKEN"])
        #expect(mistakes(["MARKET_OAUTH_TOKEN": "token", "MARKET_API_KEY_1": "a"]).count == 1)
    }

    static let malformed = [
        "zqx yw", "zqx\tyw", "zqx\u{1}", "ключ", "\"ACMA:quoted\"", "'ACMA:quoted'", " zqxyw", "zqxyw ", "zqx\nyw",
        String(repeating: "x", count: 4097),
    ]

    @Test(arguments: malformed) func aMalformedKeyIsRefusedWithoutRepeatingIt(_ text: String) {
        for told in [
            mistakes(["MARKET_API_KEY": text]),
            mistakes(["MARKET_API_KEY_FILE": "/k"], files: ["/k": FileContents(text: text)]),
            mistakes(["MARKET_OAUTH_TOKEN": text]),
        ] {
            #expect(told.count == 1)
            #expect(!told.joined().contains("zqx") && !told.joined().contains("quoted"))
            #expect(!told.joined().contains(text))
        }
    }

    static let problems: [(FileProblem, String)] = [
        (.missing, "does not exist: create it"), (.isDirectory, "is a directory"),
        (.notPermitted(detail: "mode 600"), "may not be read: mode 600: give market-chatd's group read access"),
        (.failed("I/O error"), "cannot be read: I/O error"),
    ]

    @Test(arguments: problems) func aKeyFileThatCannotBeReadIsExplained(problem: FileProblem, text: String) {
        let told = mistakes(["MARKET_API_KEY_FILE": "/k"], problems: ["/k": problem])
        #expect(told.count == 1)
        #expect(told.first?.hasPrefix("MARKET_API_KEY_FILE cannot be used, since the file /k ") == true)
        #expect(told.first?.contains(text) == true, "\(told)")
    }

    @Test func anEmptyOrTooLongKeyFileIsRefused() {
        #expect(mistakes(["MARKET_API_KEY_FILE": "/k"], files: ["/k": FileContents(text: "\n")]).count == 1)
        let long = FileContents(text: String(repeating: "x", count: 20_000))
        #expect(
            mistakes(["MARKET_API_KEY_FILE": "/k"], files: ["/k": long]).first?.contains("longer than 16384") == true)
    }

    @Test func aKeyFileThatEverybodyMayReadIsWarnedOf() throws {
        let files = ["/k": FileContents(text: "a", isWorldReadable: true)]
        #expect(try read(["MARKET_API_KEY_FILE": "/k"], files: files).warnings.map(\.key) == ["MARKET_API_KEY_FILE"])
    }
}
