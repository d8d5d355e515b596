import Dispatch
import Synchronization

/// Which address took the last connection.
final class LastGoodAddress: Sendable {
    typealias Place = (host: HostList.Host, address: String?)

    private let last = Mutex<Place?>(nil)

    var place: Place? { last.withLock { $0 } }

    func remember(_ host: HostList.Host, at address: String?) {
        last.withLock { $0 = (host, address) }
    }
}
