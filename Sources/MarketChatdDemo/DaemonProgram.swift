import Glibc

/// Where `market-chatd` is.
enum DaemonProgram {
    static let name = "market-chatd"

    /// - Parameter path: as the user named it; `nil`: beside this program, where a build puts it.
    static func find(_ path: String?) throws -> String {
        if let path {
            guard isExecutable(path) else {
                throw DemoFailure("--daemon \(path): there is no program that may be run; name the file market-chatd")
            }
            return path
        }
        let besideUs = ownDirectory + "/" + name
        guard isExecutable(besideUs) else {
            throw DemoFailure(
                "there is no \(besideUs): build it with `swift build --product \(name)`, or say where it is with "
                    + "--daemon PATH")
        }
        return besideUs
    }

    private static func isExecutable(_ path: String) -> Bool {
        var facts = stat()
        return access(path, X_OK) == 0 && stat(path, &facts) == 0 && facts.st_mode & S_IFMT == S_IFREG
    }

    private static var ownDirectory: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }
}

/// The environment of this process.
enum ProcessEnvironment {
    static var variables: [String: String] {
        var result: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let parts = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { result[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return result
    }
}

/// Finds ports that nobody listens on.
enum FreePort {
    /// A port of 127.0.0.1 that was free a moment ago.
    static func find() throws -> Int {
        let socket = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { throw failure }
        defer { close(socket) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(INADDR_LOOPBACK).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, size) == 0 && getsockname(socket, $0, &size) == 0
            }
        }
        guard isBound else { throw failure }
        return Int(UInt16(bigEndian: address.sin_port))
    }

    private static var failure: DemoFailure {
        DemoFailure("cannot have a port of 127.0.0.1: \(String(cString: strerror(errno))); is the loopback device up?")
    }
}
