import CLibpq
import Dispatch

/// Stopping the server. PostgreSQL cancels what a session does at the moment, not a certain statement, so what is sent
/// must wait until a cancellation can hit nothing any more.
extension PostgresConnection {
    /// The caller's task was cancelled.
    func cancel(_ id: Int) {
        if let request = requests.removeWaiting(id) {
            return request.lose(PostgresError(.cancelled, "not sent"))
        }
        guard let request = requests.sent.first(where: { $0.id == id }) else { return }
        request.abandon()
        cancelAbandoned()
    }

    /// Asks the server to stop what nobody waits for. While somebody waits for any request that was sent, that one could be
    /// hit; then the answers are read and thrown away.
    func cancelAbandoned() {
        if requests.isAbandoned, isOpen, requests.beginCancellation() { sendCancellation() }
    }

    /// libpq's call opens a connection of its own and blocks until the server has got the signal. So it gets a serial queue
    /// of its own, for which dispatch always finds a thread, unlike for the global ones with their few.
    ///
    /// Where the host has vanished, that thread is there until the connection's `tcp_user_timeout` or keepalives end the
    /// call (libpq 15 and newer), else until the kernel does: after some two minutes of connecting. Nothing waits for it
    /// but the requests that are not sent yet, and those no longer than until their deadlines.
    private func sendCancellation() {
        guard let cancel = PQgetCancel(socket.pointer) else { return cancellationArrived() }
        let handle = UInt(bitPattern: cancel)
        let queue = executor.queue
        DispatchQueue(label: "postgres cancel").async { [weak self] in
            guard let cancel = OpaquePointer(bitPattern: handle) else { return }
            var buffer = [CChar](repeating: 0, count: 256)
            _ = PQcancel(cancel, &buffer, Int32(buffer.count))
            PQfreeCancel(cancel)
            queue.async { [weak self] in self?.assumeIsolated { $0.cancellationArrived() } }
        }
    }

    /// Or it failed, or came before the statement did, for which the server does not keep it: so it is repeated until the
    /// request is answered, or its deadline passes.
    private func cancellationArrived() {
        if let id = requests.cancellationArrived() {
            executor.queue.asyncAfter(deadline: .now() + .milliseconds(500)) { [weak self] in
                self?.assumeIsolated { $0.cancelAgain(id) }
            }
        }
        cancelAbandoned()
        send()
    }

    private func cancelAgain(_ id: Int) {
        if isOpen, requests.repeatCancellation(of: id) { sendCancellation() }
    }
}
