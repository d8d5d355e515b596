import Glibc
import Testing

@testable import MarketChatd

/// The other side of a datagram socket: the journal's, or the service manager's.
final class DatagramReceiver: Sendable {
    /// As a client names it: an abstract name begins with `@`.
    let path: String
    private let descriptor: Int32
    private let directory: String?

    struct Failure: Error { var code: Int32 }

    init(isAbstract: Bool = false) throws {
        let name: String
        if isAbstract {
            directory = nil
            name = "@market-chatd-test-\(UInt64.random(in: 0 ... .max))"
        } else {
            var template = Array("/tmp/chatd-XXXXXX".utf8CString)
            guard mkdtemp(&template) != nil else { throw Failure(code: errno) }
            let made = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
            directory = made
            name = made + "/socket"
        }
        path = name
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        var bytes = Array(name.utf8)
        if isAbstract { bytes[0] = 0 }
        let bound = UnixAddress.with(path: bytes) { bind(descriptor, $0, $1) }
        guard bound == 0 else { throw Failure(code: errno) }
    }

    deinit {
        close(descriptor)
        if let directory {
            unlink(path)
            rmdir(directory)
        }
    }

    /// The next datagram; `nil` where none comes in time.
    func receive(within limit: Duration = .seconds(10)) async -> [UInt8]? {
        guard await isReadable(descriptor, within: limit) else { return nil }
        var buffer = [UInt8](repeating: 0, count: 256 * 1024)
        let count = recv(descriptor, &buffer, buffer.count, 0)
        return count >= 0 ? Array(buffer[..<count]) : nil
    }

    func receiveText(within limit: Duration = .seconds(10)) async -> String? {
        await receive(within: limit).map { String(decoding: $0, as: UTF8.self) }
    }
}

/// Waits without blocking a thread, which the one who is to write may need.
private func isReadable(_ descriptor: Int32, within limit: Duration) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while true {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&waiting, 1, 0) == 1 { return true }
        guard ContinuousClock.now < deadline else { return false }
        try? await Task.sleep(for: .milliseconds(2))
    }
}

func makePipe() throws -> (reader: Int32, writer: Int32) {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw DatagramReceiver.Failure(code: errno) }
    return (ends[0], ends[1])
}

func closeAll(_ descriptors: Int32...) {
    for descriptor in descriptors { close(descriptor) }
}

/// What can be read now; `nil` where nothing comes in time.
func readSome(_ descriptor: Int32, within limit: Duration = .seconds(10)) async -> String? {
    guard await isReadable(descriptor, within: limit) else { return nil }
    var buffer = [UInt8](repeating: 0, count: 65536)
    let count = read(descriptor, &buffer, buffer.count)
    return count > 0 ? String(decoding: buffer[..<count], as: UTF8.self) : nil
}
