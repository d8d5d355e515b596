import LibPQ
import MarketAPI

/// The values that need more than a number's or a duration's check.
extension ConfigurationValues {
    /// libpq's own messages repeat parts of a malformed connection string, a password among them, so what libpq would
    /// refuse is refused here, and nothing of it is repeated.
    mutating func databaseURL() -> SecretString {
        guard let text = text(.databaseURL) else { return SecretString("") }
        let cure = "write postgresql://user@host/database, or host=… dbname=… user=…, as libpq's documentation says"
        if text.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            complain(.databaseURL, "holds a control character, such as a line break", cure: cure)
        }
        let isURI = text.hasPrefix("postgresql://") || text.hasPrefix("postgres://")
        if !isURI, text.prefix(while: { $0 != "=" }).contains("://") || !text.contains("=") {
            complain(.databaseURL, "is neither a postgresql:// address nor a list of parameter=value", cure: cure)
        }
        if isURI, Self.hasStrayPercent(text) {
            complain(
                .databaseURL, "holds a % that does not begin an escape such as %2F",
                cure: "write %25 for a percent sign, in a password too")
        }
        if isURI, Self.hasStrayAt(text) {
            complain(
                .databaseURL, "has an @ too many", cure: "write %40 for an @, %2F for a / and %3A for a : of a password"
            )
        }
        if !mistakes.contains(where: { $0.key == ConfigurationKey.databaseURL.rawValue }),
            let flaw = PostgresConfiguration(connectionString: text).flaw
        {
            complain(.databaseURL, "cannot be used: \(flaw.message)", cure: cure)
        }
        return SecretString(text)
    }

    /// Whether there is one in a place where only a part of a password can have put it: libpq would take the rest for a
    /// host's or a database's name, and show it.
    private static func hasStrayAt(_ text: String) -> Bool {
        guard let start = text.firstRange(of: "://")?.upperBound else { return false }
        var rest = text[start...]
        // To libpq a user and a password go up to the first @, over a ? too.
        if let end = rest.firstIndex(where: { $0 == "@" || $0 == "/" }), rest[end] == "@" {
            rest = rest[rest.index(after: end)...]
        }
        return rest.prefix { $0 != "?" }.contains("@")
    }

    private static func hasStrayPercent(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        return bytes.indices.contains { index in
            guard bytes[index] == UInt8(ascii: "%") else { return false }
            let digits = bytes[(index + 1)...].prefix(2)
            return digits.count < 2 || !digits.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
        }
    }

    mutating func businessIDs() -> [Int64] {
        guard let text = text(.businessIDs) else {
            complain(
                .businessIDs, "is not set", cure: "set it to the cabinet ids, comma-separated, such as 12345,67890")
            return []
        }
        var ids: [Int64] = []
        var seen: Set<Int64> = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let trimmed = part.drop { $0 == " " || $0 == "\t" }.reversed().drop { $0 == " " || $0 == "\t" }.reversed()
            let word = String(trimmed)
            if word.isEmpty {
                complain(
                    .businessIDs, "has an empty place between its commas", cure: "remove the comma that is too many")
            } else if let id = Self.plainInteger(word).map(Int64.init), id >= 1 {
                if seen.insert(id).inserted {
                    ids.append(id)
                } else {
                    complain(.businessIDs, "names \(id) twice", cure: "name each cabinet once")
                }
            } else {
                complain(
                    .businessIDs, "holds \(shown(word)), which is not a cabinet id",
                    cure: "cabinet ids are numbers from 1 to \(Int64.max), as in the cabinet's address")
            }
        }
        return ids
    }

    mutating func apiURL() -> String {
        let standard = ConfigurationKey.apiURL.defaultText ?? ""
        guard let text = text(.apiURL) else { return standard }
        do {
            _ = try MarketClientConfiguration(baseURL: text, integration: "market-chatd/0")
        } catch {
            for problem in error.problems {
                complain(.apiURL, "cannot be used", cure: problem.reason)
            }
        }
        return text
    }

    mutating func caFile(reader: FileReader) -> String? {
        guard let path = text(.caFile) else { return nil }
        switch reader.contents(of: path, atMost: 4 * 1024 * 1024) {
        case .failure(let problem):
            complain(
                .caFile, "cannot be used, since the file \(printable(path)) \(problem)",
                cure: "name a PEM file of trust roots that market-chatd can read")
        case .success(let contents):
            guard String(decoding: contents.bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") else {
                complain(
                    .caFile, "cannot be used, since the file \(printable(path)) holds no certificate in PEM form",
                    cure: "name a PEM file, with BEGIN CERTIFICATE lines")
                return path
            }
        }
        return path
    }

    mutating func retention() -> Duration? {
        let longest = Duration.seconds(3650 * 86_400)
        guard let text = text(.retention), DurationText.parse(text) != .zero else { return nil }
        // Less than an hour is a slip of the unit, and it would delete the proof of what was done.
        return duration(.retention, in: .seconds(3600)...longest)
    }

    mutating func listenAddress() -> ListenAddress? {
        let standard = ConfigurationKey.httpListen.defaultText.flatMap(ListenAddress.init)
        guard let text = text(.httpListen) else { return standard }
        if text.lowercased() == "off" { return nil }
        guard let address = ListenAddress(text) else {
            complain(
                .httpListen, "is \(shown(text)), not an address and a port",
                cure: "write it such as 127.0.0.1:9464, [::1]:9464 or 0.0.0.0:9464, or off")
            return standard
        }
        if !address.isLoopback {
            warn(
                ConfigurationKey.httpListen.rawValue,
                "is open to other machines, without a password and without TLS: let a firewall choose who may ask")
        }
        return address
    }

    /// What only shows when values stand side by side.
    mutating func checkTogether(_ configuration: Configuration) {
        if configuration.quotaReserve >= configuration.requestsPerHour {
            complain(
                .quotaReserve, "leaves nothing to market-chatd, for it is not less than MARKET_REQUESTS_PER_HOUR",
                cure: "write a number below \(configuration.requestsPerHour)")
        }
        if configuration.retryBase > configuration.retryMax {
            complain(
                .retryBase, "is longer than CHATD_RETRY_MAX",
                cure: "write a duration up to \(DurationText.exact(configuration.retryMax))")
        }
        if configuration.requestTimeout < .seconds(10) {
            warn(
                ConfigurationKey.requestTimeout.rawValue,
                "is shorter than the 10 s that the Market may take: an answer that comes later is lost and asked for again"
            )
        }
        if configuration.isKeepAlive, configuration.apiURL == ConfigurationKey.apiURL.defaultText {
            warn(
                ConfigurationKey.keepAlive.rawValue,
                "is true, though the Market documents Keep-Alive as not supported: expect broken connections")
        }
    }

    mutating func warnOfUnknownKeys() {
        let known = ConfigurationKey.allCases.map(\.rawValue)
        for name in environment.keys.sorted() where name.hasPrefix("MARKET_") || name.hasPrefix("CHATD_") {
            if known.contains(name) || APIKeyName(name) != nil { continue }
            if name.hasPrefix("MARKET_API_KEY_") {
                warn(
                    printable(name),
                    "is not known: MARKET_API_KEY_ goes on with a cabinet id, such as MARKET_API_KEY_12345")
            } else {
                let hint = NearestName.among(known, to: name).map { "; did you mean \($0)?" } ?? ""
                warn(printable(name), "is not known and is ignored\(hint)")
            }
        }
    }
}
