import Synchronization

extension PrivatePostgres {
    private static let sharedStart = Mutex<Task<PrivatePostgres, any Error>?>(nil)

    /// One cluster for the whole process, started by the first call; it ends with the process.
    ///
    /// For tests: each takes a new database of it, see ``createDatabase(template:)``.
    public static func shared() async throws -> PrivatePostgres {
        let running = sharedStart.withLock { current in
            if let current { return current }
            // Not a child of the caller: the next ones wait for it too, also when the first is cancelled.
            let task = Task { try await PrivatePostgres.start() }
            current = task
            return task
        }
        return try await running.value
    }
}
