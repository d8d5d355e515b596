import Glibc

/// The address of a socket in the file system or, with a NUL in front, in the abstract name space.
enum UnixAddress {
    /// What a path may have at most, its NUL included.
    static let longestPath = MemoryLayout.size(ofValue: sockaddr_un().sun_path)

    static func with<Result>(
        path: [UInt8], _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.prefix(longestPath - 1)) }
        // An abstract name is as long as its bytes; a path ends with a NUL.
        let isAbstract = path.first == 0
        let length = MemoryLayout.offset(of: \sockaddr_un.sun_path)! + path.count + (isAbstract ? 0 : 1)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}
