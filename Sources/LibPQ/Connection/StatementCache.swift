/// Which statements the connection has prepared, by their text; the one that was used longest ago makes room.
///
/// Requests are sent before the answers to those before them are there, and a preparation may fail. So a name is used by
/// others only when the server has said that it is there, and only then taken away.
struct StatementCache: Sendable {
    /// How a statement is to be sent.
    enum Way: Sendable, Equatable {
        /// The server knows it by this name.
        case prepared(name: String)
        /// It has to be prepared under this name first.
        case preparing(name: String)
        /// As text: it is not known yet whether its preparation succeeds, or there is no room.
        case once
    }

    private struct Entry: Sendable {
        var name: String
        var isReady = false
    }

    private let limit: Int
    private var entries: [String: Entry] = [:]
    private var order: [String] = []
    private var counter = 0
    private var unneeded: [String] = []

    init(limit: Int = 64) {
        self.limit = limit
    }

    mutating func way(for sql: String) -> Way {
        if let entry = entries[sql] {
            guard entry.isReady else { return .once }
            order.removeAll { $0 == sql }
            order.append(sql)
            return .prepared(name: entry.name)
        }
        guard order.count < limit || makeRoom() else { return .once }
        counter += 1
        let name = "libpq_\(counter)"
        entries[sql] = Entry(name: name)
        order.append(sql)
        return .preparing(name: name)
    }

    private mutating func makeRoom() -> Bool {
        guard let oldest = order.first(where: { entries[$0]?.isReady == true }) else { return false }
        remove(oldest, isAtServer: true)
        return true
    }

    /// The server has prepared it.
    mutating func isReady(_ name: String) {
        if let sql = sql(of: name) { entries[sql]?.isReady = true }
    }

    /// It is not to be used any more.
    ///
    /// - Parameter isAtServer: whether the server still knows it.
    mutating func forget(_ name: String, isAtServer: Bool) {
        if let sql = sql(of: name) { remove(sql, isAtServer: isAtServer) }
    }

    /// The names that the server may forget, each told once. Nothing that is sent from now on uses them.
    mutating func takeUnneeded() -> [String] {
        defer { unneeded = [] }
        return unneeded
    }

    private func sql(of name: String) -> String? {
        entries.first { $0.value.name == name }?.key
    }

    private mutating func remove(_ sql: String, isAtServer: Bool) {
        guard let entry = entries.removeValue(forKey: sql) else { return }
        order.removeAll { $0 == sql }
        if isAtServer { unneeded.append(entry.name) }
    }
}
