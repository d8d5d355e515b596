import Glibc

/// How a text is to look on a terminal that has colours. Its meaning never depends on it.
enum TextStyle: Sendable {
    case good, bad, attention, quiet, heading

    var code: String {
        switch self {
        case .good: "32"
        case .bad: "1;31"
        case .attention: "33"
        case .quiet: "2"
        case .heading: "1"
        }
    }
}
