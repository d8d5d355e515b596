import ChatOutbox

/// How an enqueue file is to be read: what its header says, and what stands in for what it does not say.
struct EnqueueFileFormat: Sendable, Equatable {
    /// What the command line says for all rows.
    struct Defaults: Sendable, Equatable {
        var businessID: Int64?
        var priority: Int16?
        /// As SQL reads it.
        var dueAt: String?
    }

    enum Column: String, CaseIterable, Sendable {
        case contextType = "context_type"
        case contextID = "context_id"
        case priority
        case dueAt = "due_at"
        case businessID = "business_id"
    }

    /// Why a line, or the header, cannot be used.
    struct Mistake: Error, Sendable, Equatable {
        var text: String
    }

    private let separator: UInt8
    private let columns: [Column]
    private let defaults: Defaults

    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    private static let example = "the first line has to be the header, such as context_type,context_id,due_at"

    /// - Parameter header: the first line, with a byte order mark or without.
    init(header: ArraySlice<UInt8>, defaults: Defaults) throws(Mistake) {
        if header.starts(with: [0xFF, 0xFE]) || header.starts(with: [0xFE, 0xFF]) {
            throw Mistake(text: "it is UTF-16: save it as CSV in UTF-8")
        }
        let line = header.starts(with: Self.byteOrderMark) ? header.dropFirst(3) : header
        // Excel separates by semicolons where the comma is in numbers, as in Russia.
        separator =
            [UInt8(ascii: ","), UInt8(ascii: ";"), 0x09].first { line.contains($0) } ?? UInt8(ascii: ",")
        let names: [String]
        do throws(CSVFields.Mistake) {
            names = try CSVFields.split(line, by: separator)
        } catch {
            throw Mistake(text: "its header \(error.text)")
        }
        columns = try Self.columns(names)
        self.defaults = defaults
        if !columns.contains(.businessID), defaults.businessID == nil {
            throw Mistake(text: "it has no column business_id: name the business with --business")
        }
    }

    private static func columns(_ names: [String]) throws(Mistake) -> [Column] {
        var columns: [Column] = []
        for name in names {
            guard let column = Column(rawValue: name.lowercased()) else {
                let known = Column.allCases.map(\.rawValue)
                let near = NearestName.among(known, to: name.lowercased()).map { ": did you mean \($0)?" }
                throw Mistake(
                    text: "its header has an unknown column \"\(printable(name, limit: 40))\""
                        + (near ?? ": \(example); the columns are \(known.joined(separator: ", "))"))
            }
            guard !columns.contains(column) else {
                throw Mistake(text: "its header has the column \(column.rawValue) twice")
            }
            columns.append(column)
        }
        for column in [Column.contextType, .contextID] where !columns.contains(column) {
            throw Mistake(text: "its header has no column \(column.rawValue): \(example)")
        }
        return columns
    }

    /// - Returns: `nil` for a line that says nothing.
    func row(_ line: ArraySlice<UInt8>) throws(Mistake) -> OperatorSession.NewRow? {
        let fields: [String]
        do throws(CSVFields.Mistake) {
            fields = try CSVFields.split(line, by: separator)
        } catch {
            throw Mistake(text: error.text)
        }
        if fields.allSatisfy(\.isEmpty) { return nil }
        guard fields.count == columns.count else {
            throw Mistake(text: "has \(counted(fields.count, "field")), and the header \(columns.count)")
        }
        var row = OperatorSession.NewRow(
            businessID: defaults.businessID ?? 0, contextType: "", contextID: 0, priority: defaults.priority,
            dueAt: defaults.dueAt)
        for (column, field) in zip(columns, fields) { try Self.set(column, field, &row) }
        guard row.businessID > 0 else {
            throw Mistake(text: "has no business_id: fill it in, or name the business with --business")
        }
        return row
    }

    private static func set(_ column: Column, _ field: String, _ row: inout OperatorSession.NewRow) throws(Mistake) {
        switch column {
        case .contextType:
            row.contextType = field.uppercased()
            guard row.contextType == "ORDER" || row.contextType == "RETURN" else {
                throw Mistake(text: "context_type \(shown(field)) is neither ORDER nor RETURN")
            }
        case .contextID: row.contextID = try number(field, "context_id")
        case .businessID: if !field.isEmpty { row.businessID = try number(field, "business_id") }
        case .priority:
            if field.isEmpty { return }
            guard let priority = Int16(field) else {
                throw Mistake(text: "priority \(shown(field)) is no whole number from \(Int16.min) to \(Int16.max)")
            }
            row.priority = priority
        case .dueAt:
            if field.isEmpty { return }
            do throws(MomentText.Mistake) {
                row.dueAt = try MomentText(parsing: field).sql
            } catch {
                throw Mistake(text: "due_at \(shown(field)) \(error.text)")
            }
        }
    }

    private static func number(_ field: String, _ name: String) throws(Mistake) -> Int64 {
        guard let number = Int64(field), number >= 1 else {
            throw Mistake(text: "\(name) \(shown(field)) is no whole number from 1 to \(Int64.max)")
        }
        return number
    }

    private static func shown(_ field: String) -> String {
        field.isEmpty ? "is empty and" : "\"\(printable(field, limit: 40))\""
    }
}
