import NIOCore
import Synchronization

/// The listener's connections. When there are too many, the one that has been idle longest goes, so that peers that only
/// sit there keep nobody from an answer. One whose request is being answered is never closed for that.
final class ListenerConnections: Sendable {
    private struct Entry {
        var channel: any Channel
        /// Grows with each use of any connection.
        var lastUse: Int
        var isBusy = false
        var hasAsked = false
    }

    private struct State {
        var uses = 0
        var entries: [ObjectIdentifier: Entry] = [:]
    }

    /// Above it, idle ones are closed.
    private let limit: Int
    private let state = Mutex(State())

    init(limit: Int) {
        self.limit = limit
    }

    var count: Int { state.withLock { $0.entries.count } }

    func opened(_ channel: any Channel) {
        let victim = state.withLock { state -> (any Channel)? in
            state.uses += 1
            state.entries[ObjectIdentifier(channel)] = Entry(channel: channel, lastUse: state.uses)
            guard state.entries.count > limit else { return nil }
            let idle = state.entries.filter { !$0.value.isBusy && $0.key != ObjectIdentifier(channel) }
            guard let oldest = idle.min(by: { $0.value.lastUse < $1.value.lastUse }) else { return nil }
            state.entries[oldest.key] = nil
            return oldest.value.channel
        }
        victim?.close(promise: nil)
    }

    func closed(_ channel: any Channel) {
        state.withLock { $0.entries[ObjectIdentifier(channel)] = nil }
    }

    /// Its request has come, and is being answered.
    func begins(_ channel: any Channel) {
        state.withLock { state in
            state.uses += 1
            state.entries[ObjectIdentifier(channel)]?.lastUse = state.uses
            state.entries[ObjectIdentifier(channel)]?.isBusy = true
            state.entries[ObjectIdentifier(channel)]?.hasAsked = true
        }
    }

    /// The answer is on its way.
    func ends(_ channel: any Channel) {
        state.withLock { state in
            state.uses += 1
            state.entries[ObjectIdentifier(channel)]?.lastUse = state.uses
            state.entries[ObjectIdentifier(channel)]?.isBusy = false
        }
    }

    /// Whether a whole request has come since it was opened.
    func hasAsked(_ channel: any Channel) -> Bool {
        state.withLock { $0.entries[ObjectIdentifier(channel)]?.hasAsked ?? false }
    }
}
