public import Glibc

/// Command lines of child processes, as words: each of these puts other words before them.
public enum ChildCommand {
    /// Ends with this process, even where that is killed: nothing is left that goes on working. The kernel's signal follows
    /// the thread that started the child; swift-subprocess starts all of them from one that lives as long as the process.
    public static func endingWithParent(_ words: [String]) -> [String] { ["setpriv", "--pdeathsig", "KILL"] + words }

    /// Runs as another account. Not by `PlatformOptions.userID`: that forks, and `setuid` in the child of a process with many
    /// threads hangs now and then on a lock that another thread held.
    public static func running(_ words: [String], asUser user: uid_t, group: gid_t) -> [String] {
        ["setpriv", "--reuid=\(user)", "--regid=\(group)", "--clear-groups"] + words
    }

    /// Writes both of its outputs to files, which exist or can be made.
    ///
    /// - Parameters:
    ///   - words: the command line.
    ///   - output: the file for standard output.
    ///   - errors: that for standard error; `nil`: the same.
    public static func writing(_ words: [String], to output: String, errors: String? = nil) -> [String] {
        guard let errors else { return ["sh", "-c", #"exec "$@" >"$0" 2>&1"#, output] + words }
        return ["sh", "-c", #"exec >"$0" 2>"$1"; shift; exec "$@""#, output, errors] + words
    }
}
