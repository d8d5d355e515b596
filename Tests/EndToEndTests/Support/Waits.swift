/// Whoever waits, waits for a condition, and not for longer than this: generous, since other tests may keep the machine
/// busy. A test that needs all of it has failed.
let patience = Duration.seconds(60)

/// A condition that did not come about in time.
struct WaitedInVain: Error, CustomStringConvertible {
    var description: String
}

/// Looks every few milliseconds until `condition` holds.
func waitUntil(
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
func comesTrue(
    within limit: Duration, every interval: Duration = .milliseconds(20), _ condition: () async throws -> Bool
) async throws -> Bool {
    do {
        try await waitUntil("it comes true", every: interval, atMost: limit, condition)
        return true
    } catch is WaitedInVain {
        return false
    }
}

/// Numbers by chance that can be had again: SplitMix64, by Guy Steele and others.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
