import Glibc
import Harness

/// Whom the server runs as: PostgreSQL refuses root.
struct ServerAccount: Sendable {
    /// The account to switch to; `nil` where we are not root.
    let switchTo: (user: uid_t, group: gid_t)?

    /// Words of a command line that runs as this account.
    func command(_ words: [String]) -> [String] {
        guard let switchTo else { return words }
        return ChildCommand.running(words, asUser: switchTo.user, group: switchTo.group)
    }

    static func current() throws -> ServerAccount {
        guard geteuid() == 0 else { return ServerAccount(switchTo: nil) }
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        var buffer = [CChar](repeating: 0, count: 16384)
        guard getpwnam_r("postgres", &entry, &buffer, buffer.count, &found) == 0, found != nil else {
            throw PrivatePostgresError(
                "PostgreSQL refuses to run as root, and there is no user postgres to run it as: "
                    + "apt-get install postgresql")
        }
        return ServerAccount(switchTo: (entry.pw_uid, entry.pw_gid))
    }
}
