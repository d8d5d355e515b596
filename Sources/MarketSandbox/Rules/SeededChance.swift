import Harness

/// Chances that depend on what is asked, not on when: a seed and some numbers give the same draw on every run and every
/// machine.
struct SeededChance: Sendable {
    private var random: SplitMix64

    init(seed: UInt64, _ parts: Int64...) {
        let step: UInt64 = 0x9E37_79B9_7F4A_7C15
        var state = SplitMix64.mix(seed &+ step)
        for part in parts { state = SplitMix64.mix(state ^ UInt64(bitPattern: part) &+ step) }
        random = SplitMix64(seed: state)
    }

    /// 0 to 2^64 - 1, evenly.
    mutating func bits() -> UInt64 { random.next() }

    /// 0 to below 1, evenly.
    mutating func share() -> Double { random.unit() }

    /// One of `choices`, which are not empty.
    mutating func pick<T>(_ choices: [T]) -> T { choices[Int(bits() % UInt64(choices.count))] }
}
