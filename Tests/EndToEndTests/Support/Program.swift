import Glibc

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
        let path = buildDirectory + "/" + name
        guard access(path, X_OK) == 0 else { throw Missing(path: path) }
        return path
    }

    /// Where the bundle of these tests is, which is what runs.
    private static var buildDirectory: String {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let length = buffer.withUnsafeMutableBytes { bytes in
            readlink("/proc/self/exe", bytes.baseAddress!.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        let path = String(decoding: buffer.prefix(max(0, length)), as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}

/// The repository that these tests were built from.
enum Repository {
    private static let top = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(4)
        .joined(separator: "/")

    /// - Parameter path: of a file, from the top of the repository.
    static func text(of path: String) throws -> String { try ScratchFile.read("\(top)/\(path)") }
}
