import CLibpq

/// What a statement returned, copied out of libpq once.
public struct PostgresRows: Sendable, RandomAccessCollection {
    struct Column: Sendable {
        var name: String
        var type: TypeID
    }

    let columns: [Column]
    /// All values behind each other.
    private let bytes: [UInt8]
    /// For each value, row by row, where it ends in `bytes`; negative for NULL: the end of the one before, as −1 − end.
    private let ends: [Int]
    /// Rows that an INSERT, UPDATE or DELETE touched, or that a SELECT returned.
    public let affectedRows: Int

    public var startIndex: Int { 0 }
    public var endIndex: Int { columns.isEmpty ? 0 : ends.count / columns.count }
    public subscript(position: Int) -> PostgresRow { PostgresRow(rows: self, position: position) }

    init(_ result: borrowing ResultHandle) {
        let pointer = result.pointer
        let width = PQnfields(pointer)
        columns = (0..<width).map { column in
            Column(
                name: PQfname(pointer, column).map { String(cString: $0) } ?? "",
                type: TypeID(rawValue: PQftype(pointer, column)))
        }
        var bytes: [UInt8] = []
        var ends: [Int] = []
        for row in 0..<PQntuples(pointer) {
            for column in 0..<width {
                if PQgetisnull(pointer, row, column) == 0, let value = PQgetvalue(pointer, row, column) {
                    let length = Int(PQgetlength(pointer, row, column))
                    bytes.append(contentsOf: UnsafeRawBufferPointer(start: value, count: length))
                    ends.append(bytes.count)
                } else {
                    ends.append(-1 - bytes.count)
                }
            }
        }
        self.bytes = bytes
        self.ends = ends
        affectedRows = Int(String(cString: PQcmdTuples(pointer))) ?? 0
    }

    /// `nil` is NULL.
    func value(row: Int, column: Int) -> ArraySlice<UInt8>? {
        let index = row * columns.count + column
        guard ends[index] >= 0 else { return nil }
        let start = index == 0 ? 0 : ends[index - 1]
        return bytes[(start < 0 ? -1 - start : start)..<ends[index]]
    }
}
