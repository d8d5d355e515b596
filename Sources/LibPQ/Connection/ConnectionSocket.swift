import CLibpq
import Dispatch

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A libpq connection, its socket's event sources, and the order in which they end: libpq may close the socket only after
/// dispatch has let go of it.
///
/// Unsafe: it is not protected by the compiler, and must be used on its queue alone. Only ``PostgresConnection``, whose
/// executor is that queue, holds one.
final class ConnectionSocket: @unchecked Sendable {
    private let queue: DispatchQueue
    private var handle: ConnectionHandle?
    private var readSource: (any DispatchSourceRead)?
    private var writeSource: (any DispatchSourceWrite)?
    private var isWriteSourceRunning = false
    private var openSources = 0
    /// The descriptor that the lasting sources watch; −1 before and after.
    private var watched: CInt = -1

    init(queue: DispatchQueue, handle: consuming ConnectionHandle) {
        self.queue = queue
        pointer = handle.pointer
        self.handle = consume handle
    }

    /// For libpq's functions; dead after ``close()``.
    let pointer: OpaquePointer

    /// Calls `body` once, when the socket can be read or written. Dispatch has let go of the socket by then, so libpq may
    /// replace it. There must be a socket.
    func waitOnce(forWriting: Bool, _ body: @escaping @Sendable () -> Void) {
        let socket = PQsocket(pointer)
        openSources += 1
        let source: any DispatchSourceProtocol =
            forWriting
            ? DispatchSource.makeWriteSource(fileDescriptor: socket, queue: queue)
            : DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
        oneShot = source
        source.setEventHandler { [weak self] in self?.cancelOneShot() }
        source.setCancelHandler { [self] in
            let isClosed = isClosing
            sourceEnded()
            if !isClosed { body() }
        }
        source.resume()
    }

    private var oneShot: (any DispatchSourceProtocol)?
    private var isClosing = false

    private func cancelOneShot() {
        let source = oneShot
        oneShot = nil
        source?.cancel()
    }

    /// Calls `readable` whenever the socket can be read, and `writable` whenever it can be written after
    /// ``expectWritable(_:)``.
    ///
    /// It is a copy of the descriptor that dispatch watches: libpq closes its own as soon as it reads the stream's end,
    /// and the next connection may get the same number while dispatch still holds the old one.
    ///
    /// - Returns: false where the process has no descriptor left.
    func watch(readable: @escaping @Sendable () -> Void, writable: @escaping @Sendable () -> Void) -> Bool {
        watched = fcntl(PQsocket(pointer), F_DUPFD_CLOEXEC, 0)
        guard watched >= 0 else { return false }
        let read = DispatchSource.makeReadSource(fileDescriptor: watched, queue: queue)
        let write = DispatchSource.makeWriteSource(fileDescriptor: watched, queue: queue)
        openSources += 2
        read.setEventHandler(handler: readable)
        write.setEventHandler(handler: writable)
        read.setCancelHandler { [self] in sourceEnded() }
        write.setCancelHandler { [self] in sourceEnded() }
        readSource = read
        writeSource = write
        read.resume()
        return true
    }

    /// Whether reading would find something now, the end of the stream included.
    var hasInput: Bool {
        var descriptor = pollfd(fd: PQsocket(pointer), events: Int16(POLLIN), revents: 0)
        return descriptor.fd >= 0 && poll(&descriptor, 1, 0) > 0
    }

    /// Whether there is something left to write.
    func expectWritable(_ isExpected: Bool) {
        guard isExpected != isWriteSourceRunning, let writeSource else { return }
        isWriteSourceRunning = isExpected
        if isExpected { writeSource.resume() } else { writeSource.suspend() }
    }

    /// Ends the connection once dispatch has let go of the socket. Safe to call twice.
    func close() {
        guard !isClosing else { return }
        isClosing = true
        expectWritable(true)  // a suspended source cannot be cancelled
        readSource?.cancel()
        writeSource?.cancel()
        cancelOneShot()
        readSource = nil
        writeSource = nil
        if openSources == 0 { finish() }
    }

    private func sourceEnded() {
        openSources -= 1
        if isClosing, openSources == 0 { finish() }
    }

    private func finish() {
        if watched >= 0 { _ = systemClose(watched) }
        watched = -1
        handle = nil
    }
}

/// `close(2)`, beside a method of that name.
private func systemClose(_ descriptor: CInt) -> CInt {
    close(descriptor)
}
