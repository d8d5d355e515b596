/// The engine's only source of chance.
public struct EngineRandom: Sendable {
    private let draw: @Sendable () -> Double

    /// The system's generator.
    public static let system = EngineRandom { Double.random(in: 0..<1) }

    /// - Parameter draw: returns a number in 0..<1, evenly spread.
    public init(_ draw: @escaping @Sendable () -> Double) {
        self.draw = draw
    }

    /// A number in 0..<1, evenly spread.
    public func next() -> Double { draw() }
}
