import Synchronization
import UnixSignals

/// A signal asked the demonstration to end.
struct Interruption: Error, Sendable {
    let signal: UnixSignal

    /// What a shell says of a process that a signal ended.
    var exitCode: Int32 { 128 + signal.rawValue }

    /// How long a failure waits for the signal that may have caused it: Ctrl-C reaches the programs that we run, too.
    private static let grace = Duration.milliseconds(150)

    /// Runs `body` until it ends; a signal cancels it.
    ///
    /// - Parameter announce: called at once when a signal comes.
    /// - Throws: ``Interruption`` where a signal came first and `body` did not return all the same.
    static func watch<R: Sendable>(
        announce: @escaping @Sendable () -> Void, _ body: @escaping @Sendable () async throws -> R
    ) async throws -> R {
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm, .sighup)
        let first = FirstSignal()
        return try await withThrowingTaskGroup(of: R?.self) { group in
            group.addTask {
                for await signal in signals {
                    first.note(signal)
                    announce()
                    return nil
                }
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            do {
                while let result = try await group.next() {
                    if let result { return result }
                    group.cancelAll()
                }
            } catch {
                if first.signal == nil { try? await Waits.pause(grace) }
                guard let signal = first.signal else { throw error }
                throw Interruption(signal: signal)
            }
            throw CancellationError()
        }
    }
}

/// The signal that came, for both sides of ``Interruption/watch(announce:_:)``.
private final class FirstSignal: Sendable {
    private let stored = Mutex<UnixSignal?>(nil)

    var signal: UnixSignal? { stored.withLock { $0 } }

    func note(_ signal: UnixSignal) { stored.withLock { $0 = signal } }
}
