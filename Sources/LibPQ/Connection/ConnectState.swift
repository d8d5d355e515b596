/// Where a try to connect stands. Its deadline, its caller's cancellation and libpq's steps race on three threads, so all
/// that they share is this one value: whoever comes first decides, and the socket is either handed over or closed.
enum ConnectState<Waiter, Socket> {
    /// Nobody waits yet.
    case new
    /// libpq has no socket yet.
    case waiting(Waiter)
    case connecting(Waiter, Socket)
    /// Before anybody waited.
    case givenUp(PostgresError)
    case over

    /// What is to be done now.
    enum Action {
        case nothing
        case handOver(Socket, to: Waiter)
        case refuse(Waiter, PostgresError, closing: Socket?)
        case close(Socket)
    }

    /// The caller waits.
    mutating func wait(_ waiter: Waiter) -> Action {
        switch self {
        case .new:
            self = .waiting(waiter)
            return .nothing
        case .givenUp(let error):
            self = .over
            return .refuse(waiter, error, closing: nil)
        case .waiting, .connecting, .over: preconditionFailure("a try has one caller")
        }
    }

    var isAwaited: Bool {
        switch self {
        case .waiting, .connecting: true
        case .new, .givenUp, .over: false
        }
    }

    /// libpq has begun.
    mutating func began(with socket: Socket) -> Action {
        switch self {
        case .waiting(let waiter):
            self = .connecting(waiter, socket)
            return .nothing
        case .new, .connecting, .givenUp, .over: return .close(socket)
        }
    }

    /// libpq has a session.
    mutating func connected() -> Action {
        guard case .connecting(let waiter, let socket) = self else { return .nothing }
        self = .over
        return .handOver(socket, to: waiter)
    }

    /// libpq failed, the time is up, or the caller does not want it any more.
    mutating func giveUp(_ error: PostgresError) -> Action {
        switch self {
        case .new:
            self = .givenUp(error)
            return .nothing
        case .waiting(let waiter):
            self = .over
            return .refuse(waiter, error, closing: nil)
        case .connecting(let waiter, let socket):
            self = .over
            return .refuse(waiter, error, closing: socket)
        case .givenUp, .over: return .nothing
        }
    }
}
