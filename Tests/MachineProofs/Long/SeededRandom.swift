import Harness

/// Chance that comes again, from a seed. Used by one thread.
struct SeededRandom: RandomNumberGenerator {
    private var generator: SplitMix64

    init(seed: UInt64) {
        generator = SplitMix64(seed: seed &* 0x2545_F491_4F6C_DD1D &+ 0x9E37_79B9)
    }

    mutating func next() -> UInt64 { generator.next() }

    /// 0..<1.
    mutating func unit() -> Double { generator.unit() }

    /// 0..<bound.
    mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(max(bound, 1))) }

    mutating func chance(_ probability: Double) -> Bool { unit() < probability }

    mutating func seconds(_ low: Double, _ high: Double) -> Double { low + (high - low) * unit() }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
}
