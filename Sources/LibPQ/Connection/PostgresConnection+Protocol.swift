import CLibpq
import Dispatch

/// Sending and receiving. All of it runs on the connection's queue, between two events of the socket.
extension PostgresConnection {
    /// Sends all that can be sent now.
    func send() {
        while isOpen, let request = requests.takeForSending() {
            let isSent =
                switch request.work {
                case .statements(let statements): send(statements, for: request) && sendDeallocations()
                case .script(let text):
                    PQexitPipelineMode(socket.pointer) == 1 && PQsendQuery(socket.pointer, text) == 1
                }
            guard isSent else { return loseBroken() }
        }
        flush()
    }

    /// Writes what libpq holds back; where the socket is full, goes on when it is not.
    func flush() {
        guard isOpen else { return }
        switch PQflush(socket.pointer) {
        case 0: socket.expectWritable(false)
        case 1: socket.expectWritable(true)
        default: socketIsReadable()  // the server's last words may still be there
        }
    }

    private func send(_ statements: [PostgresStatement], for request: Request) -> Bool {
        for statement in statements {
            let way = statement.isPrepared ? self.statements.way(for: statement.sql) : .once
            guard send(statement, way, for: request) else { return false }
        }
        return PQpipelineSync(socket.pointer) == 1
    }

    private func send(_ statement: PostgresStatement, _ way: StatementCache.Way, for request: Request) -> Bool {
        switch way {
        case .once:
            request.expected.append(.statement(name: nil))
            return statement.withParameters { count, types, values, lengths, formats in
                PQsendQueryParams(socket.pointer, statement.sql, count, types, values, lengths, formats, 1) == 1
            }
        case .preparing(let name):
            request.expected.append(.preparation(name: name))
            let types = statement.parameters.map(\.type.rawValue)
            return PQsendPrepare(socket.pointer, name, statement.sql, Int32(types.count), types) == 1
                && send(statement, .prepared(name: name), for: request)
        case .prepared(let name):
            request.expected.append(.statement(name: name))
            return statement.withParameters { count, _, values, lengths, formats in
                PQsendQueryPrepared(socket.pointer, name, count, values, lengths, formats, 1) == 1
            }
        }
    }

    /// Each as a request of its own behind all that use the name: so neither fails for the other. Nobody waits for the
    /// answer, so it has no deadline.
    private func sendDeallocations() -> Bool {
        statements.takeUnneeded().allSatisfy { name in
            let work = [PostgresStatement("DEALLOCATE \(name)")]
            let request = Request(
                id: nextID(), work: .statements(work), deadline: .distantFuture, continuation: nil)
            requests.addSent(request)
            return send(work, for: request)
        }
    }

    /// Takes in all that has come.
    ///
    /// All of it, not just what libpq reads at a time: when the server closes its end, dispatch fires once more and
    /// never again, whatever is still to be read.
    func socketIsReadable() {
        repeat {
            guard takeIn() else { return }
            // TLS may hold back what did not fit at once, and no socket tells of it.
            guard PQsslInUse(socket.pointer) == 0 || takeIn() else { return }
        } while socket.hasInput
        cancelAbandoned()
        // libpq may have written while it read, and scripts wait for what was sent before.
        send()
    }

    /// - Returns: false where the connection is lost.
    private func takeIn() -> Bool {
        let isAlive = PQconsumeInput(socket.pointer) == 1
        takeResults()
        takeNotifications()
        guard isOpen else { return false }
        guard isAlive, PQstatus(socket.pointer) != CONNECTION_BAD else {
            loseBroken()
            return false
        }
        return true
    }

    private func takeNotifications() {
        while let notification = PQnotifies(socket.pointer) {
            defer { PQfreemem(notification) }
            let content = notification.pointee
            passOn(
                PostgresNotification(
                    channel: String(cString: content.relname), payload: String(cString: content.extra),
                    backendPID: content.be_pid))
        }
    }

    private func takeResults() {
        var gaps = 0
        // One empty answer ends each statement; two in a row: there is no more for now.
        while let request = requests.current, PQisBusy(socket.pointer) == 0, gaps < 3 {
            guard let result = ResultHandle.next(of: socket.pointer) else {
                gaps += 1
                if case .script = request.work { scriptIsDone(request) }
                continue
            }
            gaps = 0
            take(result, for: request)
        }
    }

    private func take(_ result: consuming ResultHandle, for request: Request) {
        switch result.status {
        case PGRES_PIPELINE_SYNC:
            guard request.isFullyAnswered else { return loseConfused() }
            requests.currentIsDone()
            request.finish()
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            succeeded(request, result)
        case PGRES_FATAL_ERROR:
            failed(request, .of(result))
        case PGRES_PIPELINE_ABORTED:
            if case .preparation(let name) = request.expected.popFirst() { statements.forget(name, isAtServer: false) }
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            lose(PostgresError(.misuse, "COPY is not supported"))
        default: loseConfused()
        }
    }

    private func succeeded(_ request: Request, _ result: borrowing ResultHandle) {
        if case .script = request.work { return }
        switch request.expected.popFirst() {
        case .preparation(let name): statements.isReady(name)
        case .statement: request.rows.append(PostgresRows(result))
        case nil: loseConfused()
        }
    }

    private func failed(_ request: Request, _ error: PostgresError) {
        request.error = request.error ?? error.at(place)
        switch request.expected.popFirst() {
        case .preparation(let name): statements.forget(name, isAtServer: false)
        // It is prepared anew the next time. "cached plan must not change result type":
        case .statement(let name?) where error.sqlState == .featureNotSupported:
            statements.forget(name, isAtServer: true)
        // After DISCARD ALL or DEALLOCATE ALL:
        case .statement(let name?) where error.sqlState == .invalidStatementName:
            statements.forget(name, isAtServer: false)
        default: break
        }
        // libpq's own words: it does not understand the server, or has no memory for what it says.
        if error.kind == .connectionLost { lose(error) }
    }

    /// Which answer belongs to which statement is not known any more.
    private func loseConfused() {
        lose(PostgresError(.connectionLost, "the server's answers do not fit the statements"))
    }

    /// A script has no sync; it ends with libpq's first empty answer.
    private func scriptIsDone(_ request: Request) {
        requests.currentIsDone()
        guard PQenterPipelineMode(socket.pointer) == 1 else {
            request.lose(PostgresError(.connectionLost, "pipeline mode cannot be entered"))
            return loseBroken()
        }
        request.finish()
    }
}

extension PostgresStatement {
    /// The parameters as libpq wants them: arrays of as many elements, all in binary format.
    func withParameters<Value>(
        _ body: (
            _ count: Int32, _ types: [UInt32], _ values: [UnsafePointer<CChar>?], _ lengths: [Int32],
            _ formats: [Int32]
        ) -> Value
    ) -> Value {
        var flat: [CChar] = []
        var offsets: [Int?] = []
        for parameter in parameters {
            offsets.append(parameter.bytes == nil ? nil : flat.count)
            flat.append(contentsOf: (parameter.bytes ?? []).map { CChar(bitPattern: $0) })
            // An empty value still needs a place to point at.
            flat.append(0)
        }
        return flat.withUnsafeBufferPointer { bytes in
            let values = offsets.map { offset in offset.map { UnsafePointer(bytes.baseAddress! + $0) } }
            return body(
                Int32(parameters.count), parameters.map(\.type.rawValue), values,
                parameters.map { Int32($0.bytes?.count ?? 0) }, Array(repeating: 1, count: parameters.count))
        }
    }
}
