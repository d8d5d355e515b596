import Glibc

/// The cluster's directory. Its path is short: a Unix socket's path has 107 bytes at most.
enum PrivateDirectory {
    static func create(owner: ServerAccount) throws -> String {
        // Not TMPDIR: that may be long, or closed to the account that the server runs as.
        var template = Array("/tmp/private-pg-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw PrivatePostgresError("cannot make a directory in /tmp: \(String(cString: strerror(errno)))")
        }
        let path = template.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        if let account = owner.switchTo, chown(path, account.user, account.group) != 0 {
            let reason = String(cString: strerror(errno))
            removeEmpty(path)
            throw PrivatePostgresError("cannot give \(path) to the user postgres: \(reason)")
        }
        return path
    }

    static func removeEmpty(_ path: String) {
        rmdir(path)
    }
}
