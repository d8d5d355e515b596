import Glibc
import Harness
import TestSupport

/// The program that is tested: the real `market-chatd`, which a build puts beside these tests.
enum Program {
    static let name = "market-chatd"

    struct Missing: Error, CustomStringConvertible {
        var path: String
        var description: String {
            "there is no program \(path): build it with `swift build --build-tests`, and run the tests with `swift test`"
        }
    }

    /// - Throws: ``Missing``.
    static func path() throws -> String {
        let path = ProcessTable.ownDirectory + "/" + name
        guard access(path, X_OK) == 0 else { throw Missing(path: path) }
        return path
    }
}

extension Repository {
    static func text(of path: String) throws -> String { try TextFile.read(Self.path(of: path)) }

    /// Whether a suite or a folder of tests is called so; a suite has a file of its own.
    static func hasTests(named name: String, in folder: String = "Tests") -> Bool {
        ProcessTable.entries(of: path(of: folder)).contains { entry in
            guard !entry.hasPrefix(".") else { return false }
            return entry == name || entry == "\(name).swift" || hasTests(named: name, in: "\(folder)/\(entry)")
        }
    }
}
