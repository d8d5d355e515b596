import CLibpq

/// The one owner of a `PGresult`: it is cleared when the owner goes.
struct ResultHandle: ~Copyable {
    let pointer: OpaquePointer

    /// The next result of what was sent; `nil` at the end of one statement's results, and where none is there.
    static func next(of connection: OpaquePointer) -> ResultHandle? {
        PQgetResult(connection).map { ResultHandle(pointer: $0) }
    }

    var status: ExecStatusType { PQresultStatus(pointer) }

    deinit {
        PQclear(pointer)
    }
}
