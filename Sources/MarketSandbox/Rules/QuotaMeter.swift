/// One resource's quota: fixed windows that start at whole multiples of their length since 1970.
struct QuotaMeter: Sendable {
    var limit: Int
    let windowNanoseconds: Int64
    /// What others spend of the same quota, in requests a second from the window's start on.
    var sharedPerSecond: Double
    /// The current window, counted from 1970.
    private(set) var index: Int64 = 0
    private(set) var used = 0
    private(set) var refused = 0
    /// The most recent windows that are over; at most ``historyLimit``.
    private(set) var past: [SandboxState.Window] = []

    static let historyLimit = 200

    init(limit: Int, window: Duration, sharedPerSecond: Double = 0) {
        self.limit = limit
        windowNanoseconds = max(1, window.nanoseconds)
        self.sharedPerSecond = sharedPerSecond
    }

    /// Spends a request of the window that holds `now`; `false` where it is used up.
    mutating func spend(at now: Int64) -> Bool {
        guard remaining(at: now) > 0 else {
            refused += 1
            return false
        }
        used += 1
        return true
    }

    /// Spends nothing but what is left: for a refusal that costs as well.
    mutating func spendIfLeft(at now: Int64) {
        if remaining(at: now) > 0 { used += 1 }
    }

    /// Gives a request back to the window that it was spent in, unless that window is over.
    mutating func refund(window: Int64) {
        if window == index, used > 0 { used -= 1 }
    }

    /// How many requests this window has left.
    mutating func remaining(at now: Int64) -> Int {
        roll(to: now)
        return max(0, limit - used - shared(at: now))
    }

    /// When the current window ends, in seconds since 1970; a fraction counts as a whole second.
    var untilSeconds: Int64 {
        let end = (index + 1) * windowNanoseconds
        return end / 1_000_000_000 + (end % 1_000_000_000 == 0 ? 0 : 1)
    }

    /// What others have spent in the window so far.
    func shared(at now: Int64) -> Int {
        let elapsed = min(max(0, now - index * windowNanoseconds), windowNanoseconds)
        return Int(min(Double(limit), sharedPerSecond * Double(elapsed) / 1e9))
    }

    /// Moves to the window that holds `now`. A clock that goes back leaves the window as it is.
    private mutating func roll(to now: Int64) {
        let current = max(0, now) / windowNanoseconds
        guard current > index else { return }
        if let record = record(at: (index + 1) * windowNanoseconds) {
            past.append(record)
            if past.count > Self.historyLimit { past.removeFirst() }
        }
        (index, used, refused) = (current, 0, 0)
    }

    /// The current window as it stands; `nil` where nobody of ours has asked in it.
    func record(at now: Int64) -> SandboxState.Window? {
        guard used + refused > 0 else { return nil }
        return SandboxState.Window(
            startSeconds: Double(index * windowNanoseconds) / 1e9,
            untilSeconds: untilSeconds, limit: limit, used: used, refused: refused, shared: shared(at: now))
    }
}
