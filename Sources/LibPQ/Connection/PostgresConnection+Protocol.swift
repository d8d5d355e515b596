import CLibpq

/// Sending and receiving. All of it runs on the connection's queue, between two events of the socket.
extension PostgresConnection {
    /// Sends all that can be sent now.
    func send() {
        while isOpen, let request = requests.takeForSending() {
            let isSent =
                switch request.work {
                case .statements(let statements): send(statements, for: request)
                case .script(let text):
                    PQexitPipelineMode(link.pointer) == 1 && PQsendQuery(link.pointer, text) == 1
                }
            guard isSent else { return loseBroken() }
        }
        flush()
    }

    /// Writes what libpq holds back; where the socket is full, goes on when it is not.
    func flush() {
        guard isOpen else { return }
        switch PQflush(link.pointer) {
        case 0: link.expectWritable(false)
        case 1: link.expectWritable(true)
        default: socketIsReadable()  // the server's last words may still be there
        }
    }

    private func send(_ statements: [PostgresStatement], for request: Request) -> Bool {
        for statement in statements {
            let isSent = statement.isPrepared ? sendPrepared(statement, for: request) : sendOnce(statement)
            guard isSent else { return false }
            request.expected.append(.statement)
        }
        return PQpipelineSync(link.pointer) == 1
    }

    private func sendOnce(_ statement: PostgresStatement) -> Bool {
        statement.withParameters { count, types, values, lengths, formats in
            PQsendQueryParams(link.pointer, statement.sql, count, types, values, lengths, formats, 1) == 1
        }
    }

    private func sendPrepared(_ statement: PostgresStatement, for request: Request) -> Bool {
        let name: String
        if let known = self.statements.name(of: statement.sql) {
            name = known
        } else {
            let (added, evicted) = self.statements.add(statement.sql)
            name = added
            if let evicted {
                guard PQsendQueryParams(link.pointer, "DEALLOCATE \(evicted)", 0, nil, nil, nil, nil, 1) == 1 else {
                    return false
                }
                request.expected.append(.nothingOfInterest)
            }
            let types = statement.parameters.map(\.type.rawValue)
            guard PQsendPrepare(link.pointer, name, statement.sql, Int32(types.count), types) == 1 else { return false }
            request.expected.append(.preparation(of: statement.sql))
        }
        return statement.withParameters { count, _, values, lengths, formats in
            PQsendQueryPrepared(link.pointer, name, count, values, lengths, formats, 1) == 1
        }
    }

    /// Takes in all that has come.
    ///
    /// All of it, not just what libpq reads at a time: when the server closes its end, dispatch fires once more and
    /// never again, whatever is still to be read.
    func socketIsReadable() {
        repeat {
            let isAlive = PQconsumeInput(link.pointer) == 1
            takeResults()
            takeNotifications()
            guard isOpen else { return }
            guard isAlive, PQstatus(link.pointer) != CONNECTION_BAD else { return loseBroken() }
        } while link.hasInput
        // TLS may hold back what did not fit at once, and no socket tells of it.
        if PQsslInUse(link.pointer) == 1, requests.current != nil {
            _ = PQconsumeInput(link.pointer)
            takeResults()
            guard isOpen else { return }
        }
        // libpq may have written while it read, and scripts wait for what was sent before.
        send()
    }

    private func takeNotifications() {
        while let notification = PQnotifies(link.pointer) {
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
        while let request = requests.current, PQisBusy(link.pointer) == 0, gaps < 3 {
            guard let result = ResultHandle.next(of: link.pointer) else {
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
            requests.currentIsDone()
            request.finish()
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY:
            if case .statement = request.expected.popFirst() { request.rows.append(PostgresRows(result)) }
        case PGRES_FATAL_ERROR:
            failed(request, .of(result))
        case PGRES_PIPELINE_ABORTED:
            if case .preparation(let sql) = request.expected.popFirst() { statements.forget(sql) }
        case PGRES_COPY_IN, PGRES_COPY_OUT, PGRES_COPY_BOTH:
            lose(PostgresError(.misuse, "COPY is not supported"))
        default: break
        }
    }

    private func failed(_ request: Request, _ error: PostgresError) {
        request.error = request.error ?? error
        if case .preparation(let sql) = request.expected.popFirst() { statements.forget(sql) }
        // "cached plan must not change result type": it is prepared anew the next time.
        if error.sqlState == .featureNotSupported, case .statements(let failed) = request.work {
            for statement in failed where statement.isPrepared { statements.forget(statement.sql) }
        }
    }

    /// A script has no sync; it ends with libpq's first empty answer.
    private func scriptIsDone(_ request: Request) {
        requests.currentIsDone()
        guard PQenterPipelineMode(link.pointer) == 1 else {
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
