/// What a ``BusinessMachine`` is told.
struct MachineSettings: Sendable, Hashable {
    var businessID: Int64
    /// Requests in flight, 1 to 4.
    var maxParallel = 2
    /// Requests in a window of the quota, until the first response tells it.
    var requestsPerWindow = 1000
    /// Requests of each window left to the cabinet's other integrations.
    var quotaReserve = 0
    /// How rows are put off.
    var patience: Verdict.Patience
    /// The longest time that chance adds to the end of a window.
    var windowJitter = Duration.seconds(1)
    /// Settle what is due, and end.
    var isOnce = false
}

extension EngineConfiguration {
    func machineSettings(of businessID: Int64) -> MachineSettings {
        MachineSettings(
            businessID: businessID, maxParallel: maxParallel, requestsPerWindow: requestsPerWindow,
            quotaReserve: quotaReserve,
            patience: Verdict.Patience(backoff: Backoff(base: retryBase, max: retryMax), notFound: notFoundPatience),
            // So that thousands of cabinets do not all fire in the full hour's first second.
            windowJitter: min(max(.milliseconds(5) * businessIDs.count, .seconds(1)), .seconds(30)), isOnce: isOnce)
    }
}
