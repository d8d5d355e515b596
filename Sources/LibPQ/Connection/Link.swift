import CLibpq
import Dispatch

/// A libpq connection, its socket's event sources, and the order in which they end: libpq may close the socket only after
/// dispatch has let go of it.
///
/// Unsafe: it is not protected by the compiler, and must be used on its queue alone. Only ``PostgresConnection``, whose
/// executor is that queue, holds one.
final class Link: @unchecked Sendable {
    private let queue: DispatchQueue
    private var handle: ConnectionHandle?
    private var readSource: (any DispatchSourceRead)?
    private var writeSource: (any DispatchSourceWrite)?
    private var isWriteSourceRunning = false
    private var openSources = 0

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
    func watch(readable: @escaping @Sendable () -> Void, writable: @escaping @Sendable () -> Void) {
        let socket = PQsocket(pointer)
        let read = DispatchSource.makeReadSource(fileDescriptor: socket, queue: queue)
        let write = DispatchSource.makeWriteSource(fileDescriptor: socket, queue: queue)
        openSources += 2
        read.setEventHandler(handler: readable)
        write.setEventHandler(handler: writable)
        read.setCancelHandler { [self] in sourceEnded() }
        write.setCancelHandler { [self] in sourceEnded() }
        readSource = read
        writeSource = write
        read.resume()
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
        if openSources == 0 { handle = nil }
    }

    private func sourceEnded() {
        openSources -= 1
        if isClosing, openSources == 0 { handle = nil }
    }
}
