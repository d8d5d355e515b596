import MarketAPI

/// Where the API keys come from.
extension ConfigurationValues {
    /// - Parameter reader: to see which credentials systemd has laid out.
    mutating func keySources(for businessIDs: [Int64], reader: FileReader) -> MarketKeySources {
        var sources = MarketKeySources()
        let named = environment.keys.compactMap(APIKeyName.init).filter { text($0.text) != nil }
        if let token = text(.oauthToken) {
            warn(
                ConfigurationKey.oauthToken.rawValue,
                "is deprecated by the vendor: make an Api-Key token in the cabinet and set MARKET_API_KEY instead")
            for name in named.sorted(by: { $0.text < $1.text }) {
                complain(
                    .oauthToken, "and \(name.text) are both set",
                    cure: "keep \(name.text) and remove MARKET_OAUTH_TOKEN")
            }
            sources.shared = .oauthToken(name: ConfigurationKey.oauthToken.rawValue, token: SecretString(token))
            return sources
        }
        let listed = Set(businessIDs)
        for name in named.sorted(by: { $0.text < $1.text }) {
            guard let id = name.businessID, !listed.contains(id), !businessIDs.isEmpty else { continue }
            warn(name.text, "is for a business that MARKET_BUSINESS_IDS does not name: it is ignored")
        }
        sources.shared = origin(of: nil, reader: reader)
        for id in businessIDs { sources.own[id] = origin(of: id, reader: reader) }
        return sources
    }

    /// The variable, or else the file that a variable names, or else systemd's credential.
    private mutating func origin(of businessID: Int64?, reader: FileReader) -> MarketKeySources.Origin? {
        let direct = APIKeyName(businessID: businessID, isFile: false)
        let file = APIKeyName(businessID: businessID, isFile: true)
        switch (text(direct.text), text(file.text)) {
        case (let key?, let path):
            if path != nil {
                mistakes.append(
                    ConfigurationMistake(
                        direct.text, "and \(file.text) are both set", cure: "remove one of them"))
            }
            return .variable(name: direct.text, key: SecretString(key))
        case (nil, let path?):
            return .file(name: file.text, path: path)
        case (nil, nil):
            guard let directory = text("CREDENTIALS_DIRECTORY") else { return nil }
            let path = directory + "/" + direct.credentialName
            let found = reader.contents(of: path, atMost: MarketKeySources.longestFileBytes)
            if case .failure(.notPermitted) = found, !seesCredentials { return .unseenCredential(path: path) }
            return found == .failure(.missing) ? nil : .credential(path: path)
        }
    }

    /// Each business needs a key.
    mutating func requireKeys(of sources: MarketKeySources, for businessIDs: [Int64]) {
        guard sources.shared == nil, seesCredentials else { return }
        let without = businessIDs.filter { sources.own[$0] == nil }
        let cure =
            "set MARKET_API_KEY or MARKET_API_KEY_FILE to the Api-Key token of the cabinet"
            + " (a systemd credential is seen by the service alone)"
        if businessIDs.isEmpty {
            // Without the list of businesses nobody knows whether each has its own key; complain only if none has.
            if !environment.keys.contains(where: { APIKeyName($0) != nil && text($0) != nil }) {
                complain(.apiKey, "is not set", cure: cure)
            }
        } else if without.count == businessIDs.count {
            complain(.apiKey, "is not set", cure: cure)
        } else if !without.isEmpty {
            let names = without.prefix(5).map(String.init).joined(separator: ", ") + (without.count > 5 ? ", …" : "")
            complain(.apiKey, "is not set, and the businesses \(names) have no key of their own", cure: cure)
        }
    }
}
