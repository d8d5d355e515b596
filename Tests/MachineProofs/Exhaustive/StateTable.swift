import Synchronization

/// Fingerprints of all states that were visited, each with that of the state before: 16 bytes for each.
///
/// Of ten million states two share a fingerprint of 63 bits with a chance of one in a hundred thousand.
final class StateTable: Sendable {
    private static let shardBits: UInt64 = 8

    private struct Slots {
        /// 0: free.
        var keys = [UInt64](repeating: 0, count: 1024)
        var parents = [UInt64](repeating: 0, count: 1024)
        var count = 0

        /// Where the key is, or would be.
        func place(of key: UInt64) -> Int {
            let mask = keys.count - 1
            var index = Int(truncatingIfNeeded: key >> 1) & mask
            while keys[index] != 0, keys[index] != key { index = (index + 1) & mask }
            return index
        }

        mutating func insert(_ key: UInt64, parent: UInt64) -> Bool {
            let index = place(of: key)
            if keys[index] == key { return false }
            keys[index] = key
            parents[index] = parent
            count += 1
            if count * 4 > keys.count * 3 { grow() }
            return true
        }

        private mutating func grow() {
            let (oldKeys, oldParents) = (keys, parents)
            keys = [UInt64](repeating: 0, count: oldKeys.count * 2)
            parents = keys
            for (key, parent) in zip(oldKeys, oldParents) where key != 0 {
                let index = place(of: key)
                keys[index] = key
                parents[index] = parent
            }
        }
    }

    private final class Shard: Sendable {
        let slots = Mutex(Slots())
    }

    private let shards = (0..<(1 << shardBits)).map { _ in Shard() }
    private let total = Atomic(0)

    var count: Int { total.load(ordering: .relaxed) }

    private func shard(of key: UInt64) -> Shard { shards[Int(key >> (64 - Self.shardBits))] }

    /// - Returns: whether it is new.
    func insert(_ key: UInt64, parent: UInt64) -> Bool {
        let isNew = shard(of: key).slots.withLock { $0.insert(key, parent: parent) }
        if isNew { total.add(1, ordering: .relaxed) }
        return isNew
    }

    /// The fingerprints from the first state to this one.
    func path(to key: UInt64) -> [UInt64] {
        var path = [key]
        while let last = path.last {
            let parent = shard(of: last).slots.withLock { $0.parents[$0.place(of: last)] }
            if parent == 0 { break }
            path.append(parent)
        }
        return path.reversed()
    }
}
