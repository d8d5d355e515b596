import Logging
import MarketAPI
import Synchronization

/// The API keys in use, which a reload may replace while requests are made.
final class KeyRing: Sendable {
    private let sources: MarketKeySources
    private let reader: FileReader
    private let keys: Mutex<MarketKeys>
    private let last = Mutex<Reload?>(nil)

    /// What came of a reload.
    struct Reload: Sendable, Equatable {
        var succeeded: Bool
        var at: WallTime
    }

    init(sources: MarketKeySources, keys: MarketKeys, reader: FileReader = .disk) {
        self.sources = sources
        self.reader = reader
        self.keys = Mutex(keys)
    }

    func credential(for businessID: Int64) -> MarketCredential? {
        keys.withLock { $0.credential(for: businessID) }
    }

    /// `nil`: there was none yet.
    var lastReload: Reload? { last.withLock { $0 } }

    /// Reads the key files again. Where anything is wrong with one of them, all keys stay as they are.
    ///
    /// - Returns: whether the keys were read.
    func reload(logger: Logger) -> Bool {
        let loaded = sources.load(reader: reader)
        for warning in loaded.warnings { logger.warning("A key file needs attention", metadata: ["why": "\(warning)"]) }
        last.withLock { $0 = Reload(succeeded: loaded.mistakes.isEmpty, at: .now) }
        guard loaded.mistakes.isEmpty else {
            for mistake in loaded.mistakes {
                logger.error(
                    "The keys were not reloaded; those from before stay in use", metadata: ["why": "\(mistake)"])
            }
            return false
        }
        let hasChanged = keys.withLock { keys in
            defer { keys = loaded.keys }
            return keys != loaded.keys
        }
        logger.notice("Key files read again", metadata: ["keys.changed": "\(hasChanged)"])
        return true
    }
}
