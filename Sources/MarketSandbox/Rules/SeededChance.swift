/// Chances that depend on what is asked, not on when: a seed and some numbers give the same draw on every run and every
/// machine. The mixing function is SplitMix64's (Steele, Lea and Flood, 2014).
struct SeededChance: Sendable {
    private var state: UInt64

    init(seed: UInt64, _ parts: Int64...) {
        state = Self.mix(seed &+ 0x9E37_79B9_7F4A_7C15)
        for part in parts { state = Self.mix(state ^ UInt64(bitPattern: part) &+ 0x9E37_79B9_7F4A_7C15) }
    }

    /// 0 to 2^64 - 1, evenly.
    mutating func bits() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        return Self.mix(state)
    }

    /// 0 to below 1, evenly.
    mutating func share() -> Double { Double(bits() >> 11) * 0x1p-53 }

    /// One of `choices`, which are not empty.
    mutating func pick<T>(_ choices: [T]) -> T { choices[Int(bits() % UInt64(choices.count))] }

    private static func mix(_ value: UInt64) -> UInt64 {
        var mixed = value
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
