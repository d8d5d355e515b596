import Glibc

/// Why a file could not be read.
enum FileProblem: Error, Sendable, Equatable {
    case missing
    /// `detail` says whose the file is and who asks.
    case notPermitted(detail: String)
    case isDirectory
    case tooLong(limitBytes: Int)
    case failed(String)
}

extension FileProblem: CustomStringConvertible {
    /// Continues a sentence that begins with the file.
    var description: String {
        switch self {
        case .missing: "does not exist"
        case .notPermitted(let detail): "may not be read: \(detail)"
        case .isDirectory: "is a directory"
        case .tooLong(let limitBytes): "is longer than \(limitBytes) bytes"
        case .failed(let reason): "cannot be read: \(reason)"
        }
    }
}
