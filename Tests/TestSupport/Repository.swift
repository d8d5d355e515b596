/// The repository that these tests were built from.
public enum Repository {
    /// Its top folder.
    public static let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3)
        .joined(separator: "/")

    /// - Parameter path: of a file, from the top of the repository.
    public static func path(of path: String) -> String { "\(root)/\(path)" }
}
