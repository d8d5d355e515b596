import CLibpq

/// The one owner of a `PGconn`: it is finished when the owner goes.
struct ConnectionHandle: ~Copyable {
    let pointer: OpaquePointer

    deinit {
        PQfinish(pointer)
    }
}
