import Dispatch
import Synchronization

/// How a connection comes about: each address of each host is tried in turn, the one that took the last connection first.
extension PostgresConnection {
    /// Opens a connection.
    ///
    /// Names are looked up on threads of their own, never on one of Swift's pool; the deadline holds all the same.
    ///
    /// - Throws: ``PostgresError`` of the kind `connectFailed` (with `server` where the server refused),
    ///   `connectTimedOut`, `misuse` (an unreadable connection string) or `cancelled`.
    public static func connect(
        _ configuration: PostgresConfiguration
    ) async throws(PostgresError) -> PostgresConnection {
        try await connect(configuration, lookup: .system)
    }

    static func connect(
        _ configuration: PostgresConfiguration, lookup: HostLookup
    ) async throws(PostgresError) -> PostgresConnection {
        let list = try HostList(of: configuration)
        let end = ContinuousClock.now + configuration.connectTimeout
        let attempts = list.attempts(lastGood: configuration.lastGood.place?.host)
        var errors: [PostgresError] = []
        for (index, attempt) in attempts.enumerated() {
            let hostEnd = ContinuousClock.now + share(until: end, among: attempts.count - index)
            let result = await open(attempt, of: list, for: configuration, until: hostEnd, lookup: lookup)
            switch result {
            case .success(let connection):
                await connection.start()
                return connection
            case .failure(let error) where error.kind == .cancelled: throw error
            case .failure(let error): errors.append(error)
            }
        }
        throw worst(of: errors).hiding(list.hidden).at(list.place)
    }

    /// One host, at each of its addresses until a server has spoken.
    private static func open(
        _ attempt: HostList.Attempt, of list: HostList, for configuration: PostgresConfiguration,
        until end: ContinuousClock.Instant, lookup: HostLookup
    ) async -> Result<PostgresConnection, PostgresError> {
        let host = attempt.host
        var addresses: [String?] = [nil]
        if host.isLookedUp {
            switch await lookup.addresses(of: host.name, within: share(until: end, among: 1)) {
            case .success(let found): addresses = found.movedToFront(configuration.lastGood.place?.address)
            case .failure(let error): return .failure(error)
            }
        }
        var errors: [PostgresError] = []
        for (index, address) in addresses.enumerated() {
            var one = list.configuration(configuration, for: attempt, at: address)
            let share = share(until: end, among: addresses.count - index)
            one.connectTimeout = min(share, list.addressTimeout ?? share)
            switch await open(one, at: list.place) {
            case .success(let connection):
                configuration.lastGood.remember(host, at: address)
                return .success(connection)
            case .failure(let error) where error.isLastWord: return .failure(error)
            case .failure(let error): errors.append(error.at(host, address))
            }
        }
        return .failure(worst(of: errors))
    }

    private static func open(
        _ configuration: PostgresConfiguration, at place: String
    ) async -> Result<PostgresConnection, PostgresError> {
        // A queue for each: libpq may still block the one before.
        let executor = QueueExecutor(label: "postgres")
        return await ConnectAttempt(queue: executor.queue).run(configuration).map { open in
            PostgresConnection(
                executor: executor, socket: open.socket, backendPID: open.backendPID,
                serverVersion: open.serverVersion, place: place, queryTimeout: configuration.queryTimeout)
        }
    }

    /// How long the next of so many may take, so that those after it get their share.
    private static func share(until end: ContinuousClock.Instant, among count: Int) -> Duration {
        max(.milliseconds(1), (end - .now) / count)
    }

    /// Of several failures the one to tell: where any may pass by itself, that is what counts.
    private static func worst(of errors: [PostgresError]) -> PostgresError {
        guard var told = errors.first(where: { $0.sqlState == nil }) ?? errors.last else {
            return PostgresError(.connectFailed, "no host has an address")
        }
        // One server may have several addresses, and refuse at each.
        var messages: [String] = []
        for error in errors where !messages.contains(error.message) { messages.append(error.message) }
        told.message = messages.joined(separator: "; ")
        return told
    }
}

extension PostgresError {
    /// Whether trying another address of the same host is of no use. As libpq sees it: a server has answered, unless it
    /// said that it is starting or stopping.
    fileprivate var isLastWord: Bool {
        switch kind {
        case .cancelled, .passwordMissing: true
        default: sqlState.map { $0 != .cannotConnectNow } ?? false
        }
    }

    /// With `role@host/database` before it, where it is about the connection.
    func at(_ place: String) -> PostgresError {
        guard isConnectionLost else { return self }
        var told = self
        told.message = "\(place): \(message)"
        return told
    }

    /// Without names that are none: libpq and the server repeat them.
    fileprivate func hiding(_ names: [String]) -> PostgresError {
        var told = self
        for name in names {
            told.message.replace(name, with: "…")
            told.server?.message.replace(name, with: "…")
        }
        return told
    }

    /// With the host where it happened. libpq names only the address.
    fileprivate func at(_ host: HostList.Host, _ address: String?) -> PostgresError {
        var told = self
        if kind == .connectTimedOut {
            told.message = "\(host.shown(at: address)): \(message)"
        } else if host.isLookedUp, host.name != address {
            told.message = "\(HostList.shown(host.name)): \(message)"
        }
        return told
    }
}
