import ChatOutbox
import ChatSync

/// About how long it takes until all that is due is sent: an estimate from the quota, for people.
struct WorkForecast {
    /// Of one row, among others: two in flight, each a second.
    private static let pace = Duration.milliseconds(500)
    /// As the vendor documents.
    private static let window = Duration.seconds(3600)
    private static let usualLimit = 1000

    let due: Int
    let quota: BusinessRecord.Quota?
    /// Until then nothing is sent.
    let startsIn: Duration
    /// Whether that is because this window is used up.
    let isWindowOver: Bool

    /// All that is due.
    init(_ report: BusinessReport) {
        self.init(
            due: report.due ?? 0, quota: report.quota, startsIn: report.hold?.endsIn ?? .zero,
            isWindowOver: report.hold?.kind == .quota)
    }

    init(due: Int, quota: BusinessRecord.Quota?, startsIn: Duration, isWindowOver: Bool) {
        self.due = due
        self.quota = quota
        self.startsIn = startsIn
        self.isWindowOver = isWindowOver
    }

    /// `nil` where nothing is due.
    var timeLeft: Duration? {
        guard due > 0 else { return nil }
        let limit = max(quota?.limit ?? Self.usualLimit, 1)
        let now = isWindowOver ? 0 : quota.map { $0.resetsIn > .zero ? max($0.remaining, 0) : limit } ?? limit
        if due <= now { return startsIn + Self.pace * due }
        let windows = (due - now - 1) / limit
        let last = due - now - windows * limit
        let nextWindow = isWindowOver ? startsIn : max(startsIn, quota?.resetsIn ?? Self.window)
        return nextWindow + Self.window * windows + Self.pace * last
    }
}
