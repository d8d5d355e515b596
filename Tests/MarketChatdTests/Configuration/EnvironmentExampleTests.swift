import TestSupport
import Testing

@testable import MarketChatd

/// `Config/market-chatd.env.example` is what an operator starts from, so it must not drift from the reader.
@Suite(.concurrencyLimited) struct EnvironmentExampleTests {
    private let text: String

    init() throws {
        let path = Repository.path(of: "Config/market-chatd.env.example")
        text = String(decoding: try FileReader.disk.contents(of: path, atMost: 65536).get().bytes, as: UTF8.self)
    }

    private func read(_ text: String) throws -> (file: EnvironmentFile, configuration: Configuration) {
        let file = try EnvironmentFile(parsing: Array(text.utf8))
        var environment = file.assignments
        environment.merge(ConfigurationTests.least) { $1 }
        return (file, try Configuration.read(environment: environment, reader: .fake([:])))
    }

    /// The file with each default's line in force.
    private var uncommented: String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let name = line.dropFirst().prefix { $0 != "=" }
            let hasDefault = ConfigurationKey(rawValue: String(name))?.defaultText != nil
            return line.hasPrefix("#") && hasDefault ? line.dropFirst() : line
        }.joined(separator: "\n")
    }

    @Test func asItIsItSetsNothingButTheRequiredKeysAndThoseAreEmpty() throws {
        let (file, _) = try read(text)
        #expect(file.assignments == ["DATABASE_URL": "", "MARKET_BUSINESS_IDS": "", "MARKET_API_KEY": ""])
        #expect(file.warnings.isEmpty)
    }

    @Test func theDefaultsItShowsAreTheReadersOwn() throws {
        let (file, shown) = try read(uncommented)
        for key in ConfigurationKey.allCases {
            if let standard = key.defaultText { #expect(file.assignments[key.rawValue] == standard) }
        }
        let (_, standard) = try read("")
        #expect("\(shown)" == "\(standard)")
        #expect(shown.warnings.isEmpty)
    }

    @Test(arguments: ConfigurationKey.allCases) func everyKeyIsInIt(_ key: ConfigurationKey) {
        let lines = text.split(separator: "\n").filter {
            $0.hasPrefix("\(key.rawValue)=") || $0.hasPrefix("#\(key.rawValue)=")
        }
        #expect(lines.count == 1)
    }

    @Test func everyKeyInItIsKnown() throws {
        let names = text.split(separator: "\n").compactMap { line -> String? in
            let name = line.drop { $0 == "#" }.prefix { $0 != "=" }
            let isName =
                line.contains("=") && !name.isEmpty
                && name.allSatisfy { $0.isASCII && ($0.isUppercase || $0.isNumber || $0 == "_") }
            return isName ? String(name) : nil
        }
        #expect(names.count >= ConfigurationKey.allCases.count)
        for name in names { #expect(ConfigurationKey(rawValue: name) != nil || APIKeyName(name) != nil, "\(name)") }
    }
}
