import Harness

/// What the daemon has logged.
struct DaemonLog: Sendable {
    let path: String

    private static let shownLines = 15

    /// The last lines, and where the whole log is kept: its own place is removed at the end.
    func epitaph() -> String {
        let text = (try? TextFile.read(path)) ?? ""
        guard !text.isEmpty else { return "market-chatd has logged nothing.\n" }
        let lines = text.split(separator: "\n").suffix(Self.shownLines)
        let place: String
        do {
            let copy = try TextFile.writeNew(text, prefix: "/tmp/market-chatd-demo-", suffix: ".log")
            place = "The whole log is \(copy); remove it when you have read it.\n"
        } catch {
            place = "The whole log is lost: \(error); is /tmp full or closed to you?\n"
        }
        return "The last lines of market-chatd's log:\n" + lines.map { "  \($0)\n" }.joined() + place
    }
}
