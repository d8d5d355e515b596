import MarketAPI

/// Where the keys come from. Kept, so that a reload can read the files again.
struct MarketKeySources: Sendable, Equatable {
    var shared: Origin?
    var own: [Int64: Origin] = [:]

    /// The longest key file that is read.
    static let longestFileBytes = 16 * 1024

    enum Origin: Sendable, Equatable {
        /// The key itself, in this variable.
        case variable(name: String, key: SecretString)
        /// A file that this variable names.
        case file(name: String, path: String)
        /// A file of systemd's credentials directory.
        case credential(path: String)
        /// The same, where systemd shows it to the daemon alone.
        case unseenCredential(path: String)
        /// The deprecated kind of key, in this variable.
        case oauthToken(name: String, token: SecretString)

        /// What to call it in a message.
        var name: String {
            switch self {
            case .variable(let name, _), .file(let name, _), .oauthToken(let name, _): name
            case .credential(let path), .unseenCredential(let path): path
            }
        }
    }

    /// Reads every key, and says all that is wrong with them.
    func load(
        reader: FileReader
    ) -> (keys: MarketKeys, mistakes: [ConfigurationMistake], warnings: [ConfigurationWarning]) {
        var keys = MarketKeys()
        var mistakes: [ConfigurationMistake] = []
        var warnings: [ConfigurationWarning] = []
        func take(_ origin: Origin) -> MarketCredential? {
            if case .unseenCredential(let path) = origin {
                warnings.append(
                    ConfigurationWarning(
                        key: printable(path), text: "is shown by systemd to the daemon alone: it was not looked at"))
                return nil
            }
            do throws(ConfigurationMistake) {
                return try Self.credential(from: origin, reader: reader, warnings: &warnings)
            } catch {
                mistakes.append(error)
                return nil
            }
        }
        keys.shared = shared.flatMap(take)
        for (businessID, origin) in own.sorted(by: { $0.key < $1.key }) {
            keys.own[businessID] = take(origin)
        }
        return (keys, mistakes, warnings)
    }

    private static func credential(
        from origin: Origin, reader: FileReader, warnings: inout [ConfigurationWarning]
    ) throws(ConfigurationMistake) -> MarketCredential {
        switch origin {
        case .variable(let name, let key):
            try check(key.revealed(), of: name)
            return .apiKey(key)
        case .oauthToken(let name, let token):
            try check(token.revealed(), of: name)
            return .oauthToken(token)
        case .file(let name, let path):
            return .apiKey(try key(at: path, of: name, reader: reader, warnings: &warnings))
        case .credential(let path), .unseenCredential(let path):
            return .apiKey(try key(at: path, of: path, reader: reader, warnings: &warnings))
        }
    }

    private static func key(
        at path: String, of name: String, reader: FileReader, warnings: inout [ConfigurationWarning]
    ) throws(ConfigurationMistake) -> SecretString {
        let file = name == path ? "the file" : "the file \(printable(path))"
        switch reader.contents(of: path, atMost: longestFileBytes) {
        case .failure(let problem):
            throw ConfigurationMistake(name, "cannot be used, since \(file) \(problem)", cure: cure(for: problem))
        case .success(let contents):
            guard var text = String(validating: contents.bytes, as: UTF8.self) else {
                throw ConfigurationMistake(name, "cannot be used, since \(file) is not text", cure: keyCure)
            }
            while let last = text.unicodeScalars.last, last == "\n" || last == "\r" { text.unicodeScalars.removeLast() }
            if text.isEmpty {
                throw ConfigurationMistake(name, "cannot be used, since \(file) is empty", cure: keyCure)
            }
            try check(text, of: name)
            if contents.isWorldReadable {
                warnings.append(
                    ConfigurationWarning(
                        key: name,
                        text: "can be read by every user of this machine: chmod o-rwx \(printable(path))"))
            }
            return SecretString(text)
        }
    }

    private static func cure(for problem: FileProblem) -> String {
        switch problem {
        case .missing: "create it with the API key as its only line, or name another file"
        case .notPermitted:
            "give market-chatd's group read access (chgrp and chmod 0640), or use LoadCredential= in the unit"
        case .isDirectory, .tooLong, .failed: "name a file that holds the API key as its only line"
        }
    }

    private static let keyCure = "put the API key there as the Market shows it, such as ACMA:…:…, and nothing else"

    /// Says what keeps a key out of an HTTP header, without repeating any of it.
    private static func check(_ key: String, of name: String) throws(ConfigurationMistake) {
        if key.utf8.count > 4096 {
            throw ConfigurationMistake(name, "is longer than 4096 bytes", cure: keyCure)
        }
        if let first = key.first, first == "\"" || first == "'" {
            throw ConfigurationMistake(name, "begins with a quotation mark", cure: keyCure)
        }
        guard key.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else {
            throw ConfigurationMistake(
                name, "holds a space, a line break or a character that is not ASCII", cure: keyCure)
        }
    }
}
