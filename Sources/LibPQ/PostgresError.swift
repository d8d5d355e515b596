import CLibpq

/// Why a connection or a statement failed. No text of it holds a password.
public struct PostgresError: Error, Sendable, Equatable {
    /// What failed, for the caller's decision.
    public var kind: Kind
    /// For people: libpq's, the server's or our own words.
    public var message: String
    /// What the server said, where it was the server.
    public var server: ServerError?

    /// What failed.
    public enum Kind: Sendable {
        /// No connection came about.
        case connectFailed
        /// No connection came about in time.
        case connectTimedOut
        /// The server wants a password, and none was given.
        case passwordMissing
        /// The connection broke or was closed. Whether what was sent had an effect is unknown.
        case connectionLost
        /// No answer came in time; the connection was closed for it.
        case queryTimedOut
        /// The server refused the statement.
        case server
        /// A value is not of the type that was asked for.
        case decoding
        /// The call makes no sense.
        case misuse
        /// The calling task was cancelled. Whether what was sent had an effect is unknown.
        case cancelled
    }

    /// The fields of an error that the server reports.
    public struct ServerError: Sendable, Equatable {
        /// The code, of five characters.
        public var sqlState: SQLState
        /// `ERROR`, `FATAL` or `PANIC`, whatever the server's language.
        public var severity: String
        /// In the server's language.
        public var message: String
        /// More about it.
        public var detail: String?
        /// What to do, as whoever raised it thinks.
        public var hint: String?

        public init(
            sqlState: SQLState, severity: String, message: String, detail: String? = nil, hint: String? = nil
        ) {
            self.sqlState = sqlState
            self.severity = severity
            self.message = message
            self.detail = detail
            self.hint = hint
        }

        /// For people, and of so many characters at most: message, detail and hint. A long message leaves a third to the
        /// hint.
        public func text(limit: Int) -> String {
            let advice = advice(limit: limit / 3)
            return (detail.map { "\(message) (\($0))" } ?? message).cut(to: limit - advice.count) + advice
        }

        fileprivate func advice(limit: Int) -> String {
            hint.map { "; hint: \($0)".cut(to: limit) } ?? ""
        }
    }

    /// ``message``, and what whoever wrote a trigger or a policy advises, 300 characters of it at most.
    public var advised: String { message + (server?.advice(limit: 300) ?? "") }

    init(_ kind: Kind, _ message: String, server: ServerError? = nil) {
        self.kind = kind
        self.message = message
        self.server = server
    }

    /// The server's code, where it was the server.
    public var sqlState: SQLState? { server?.sqlState }

    /// Whether the connection is of no more use.
    ///
    /// Of what the server reports only the severity tells: any code may come from a statement, by `RAISE` or from another
    /// server that it called, and the session lives on.
    public var isConnectionLost: Bool {
        switch kind {
        case .connectFailed, .connectTimedOut, .passwordMissing, .connectionLost, .queryTimedOut: true
        case .decoding, .misuse, .cancelled: false
        case .server: ["FATAL", "PANIC"].contains(server?.severity)
        }
    }
}

extension PostgresError {
    /// From a result that is an error.
    static func of(_ result: borrowing ResultHandle) -> PostgresError {
        func field(_ code: Character) -> String? {
            PQresultErrorField(result.pointer, Int32(code.asciiValue!)).map { String(cString: $0) }
        }
        let text = String(cString: PQresultErrorMessage(result.pointer)).trimmed
        guard let state = field("C") else { return PostgresError(.connectionLost, text) }
        let server = ServerError(
            sqlState: SQLState(rawValue: state), severity: field("V") ?? field("S") ?? "ERROR",
            message: field("M") ?? text, detail: field("D"), hint: field("H"))
        return PostgresError(.server, "\(server.message) (SQLSTATE \(state))", server: server)
    }

    /// From libpq's text about a connection that did not come about, written with `PQERRORS_VERBOSE`:
    /// `… FATAL:  28P01: password authentication failed for user "x"`, and a line `LOCATION:  …`.
    static func ofRefusedConnection(_ text: String) -> PostgresError {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("LOCATION:") }
        let words = lines.map { String($0).trimmed }.joined(separator: "; ")
        guard let (state, message) = lastState(in: words) else {
            return PostgresError(.connectFailed, words.isEmpty ? "the connection failed" : words)
        }
        let server = ServerError(sqlState: SQLState(rawValue: state), severity: "FATAL", message: message)
        return PostgresError(.connectFailed, "\(message) (SQLSTATE \(state))", server: server)
    }

    /// Finds the last `:  28P01: ` and what follows it.
    private static func lastState(in words: String) -> (state: String, message: String)? {
        let bytes = Array(words.utf8)
        guard bytes.count >= 10 else { return nil }
        for start in (0...(bytes.count - 10)).reversed() {
            let window = bytes[start..<(start + 10)]
            let state = window.dropFirst(3).prefix(5)
            let isState = state.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
            guard window.starts(with: ":  ".utf8), isState, window.suffix(2).elementsEqual(": ".utf8) else { continue }
            return (String(decoding: state, as: UTF8.self), String(decoding: bytes[(start + 10)...], as: UTF8.self))
        }
        return nil
    }
}

extension String {
    /// With three ASCII points where something is left out: not every database has a character for them.
    fileprivate func cut(to limit: Int) -> String {
        count > limit ? prefix(max(0, limit - 3)) + "..." : self
    }

    var trimmed: String {
        var slice = self[...]
        while slice.last?.isWhitespace == true { slice.removeLast() }
        while slice.first?.isWhitespace == true { slice.removeFirst() }
        return String(slice)
    }
}
