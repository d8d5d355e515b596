import CLibpq
import Dispatch
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Looks up where a host is, with a deadline.
///
/// The system's call blocks and cannot be stopped, so it gets a thread of its own, by a serial queue for which dispatch
/// always finds one. Nobody waits for it after the deadline.
struct HostLookup: Sendable {
    /// From a name to addresses in numbers, the one to try first at the front. Blocks.
    var resolve: @Sendable (String) -> Result<[String], PostgresError>

    static let system = HostLookup(resolve: systemAddresses)

    func addresses(of name: String, within limit: Duration) async -> Result<[String], PostgresError> {
        let answer = OneAnswer<Result<[String], PostgresError>>()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard answer.wait(continuation) else { return }
                DispatchQueue.deadlines.asyncAfter(deadline: .now() + limit.dispatchInterval) {
                    let text = "\(HostList.shown(name)) cannot be looked up within \(limit.inSeconds)"
                    answer.give(.failure(PostgresError(.connectTimedOut, text)))
                }
                DispatchQueue(label: "postgres lookup").async { answer.give(resolve(name)) }
            }
        } onCancel: {
            answer.give(.failure(PostgresError(.cancelled, "connecting was cancelled")))
        }
    }

    /// As libpq asks: all address families.
    private static func systemAddresses(of name: String) -> Result<[String], PostgresError> {
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(name, nil, nil, &list)
        guard code == 0 else {
            let reason = String(cString: gai_strerror(code))
            return .failure(PostgresError(.connectFailed, "\(HostList.shown(name)) cannot be looked up: \(reason)"))
        }
        defer { freeaddrinfo(list) }
        var addresses: [String] = []
        var entry = list
        while let current = entry?.pointee {
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let isShown =
                getnameinfo(
                    current.ai_addr, current.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST) == 0
            let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            // Each stands there once for each type of socket.
            if isShown, !addresses.contains(address) { addresses.append(address) }
            entry = current.ai_next
        }
        return .success(addresses)
    }
}

/// A place for one answer: the first that comes counts, also when it comes before anybody waits.
private final class OneAnswer<Answer: Sendable>: Sendable {
    private enum State {
        case open
        case awaited(CheckedContinuation<Answer, Never>)
        case early(Answer)
        case given
    }

    private let state = Mutex(State.open)

    /// - Returns: false where the answer was there already.
    func wait(_ continuation: CheckedContinuation<Answer, Never>) -> Bool {
        let early = state.withLock { state -> Answer? in
            guard case .early(let answer) = state else {
                state = .awaited(continuation)
                return nil
            }
            state = .given
            return answer
        }
        if let early { continuation.resume(returning: early) }
        return early == nil
    }

    func give(_ answer: Answer) {
        let waiter = state.withLock { state -> CheckedContinuation<Answer, Never>? in
            switch state {
            case .open:
                state = .early(answer)
                return nil
            case .awaited(let continuation):
                state = .given
                return continuation
            case .early, .given: return nil
            }
        }
        waiter?.resume(returning: answer)
    }
}
