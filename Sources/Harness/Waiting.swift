/// Whoever waits, waits for a condition, and not for longer than this: generous, since other tests may keep the machine
/// busy. A test that needs all of it has failed.
public let patience = Duration.seconds(60)

/// Looks every few milliseconds until `condition` holds.
///
/// - Parameters:
///   - rule: what is waited for, as the end of a sentence.
///   - interval: between two looks.
///   - limit: how long, at most.
///   - condition: whether it holds now.
/// - Throws: ``WaitedInVain`` after `limit`, else what `condition` throws.
public func waitUntil(
    _ rule: String, every interval: Duration = .milliseconds(5), atMost limit: Duration = patience,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + limit
    while try await !condition() {
        guard ContinuousClock.now < deadline else { throw WaitedInVain(description: "waited \(limit) until \(rule)") }
        try await Task.sleep(for: interval)
    }
}

/// Whether `condition` comes to hold within `limit`, for a test that tells itself how far it got.
@discardableResult
public func comesTrue(
    within limit: Duration = patience, every interval: Duration = .milliseconds(20),
    _ condition: () async throws -> Bool
) async throws -> Bool {
    do {
        try await waitUntil("it comes true", every: interval, atMost: limit, condition)
        return true
    } catch is WaitedInVain {
        return false
    }
}
