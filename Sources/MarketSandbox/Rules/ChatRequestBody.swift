/// Reads a `CreateChatRequest`, with the complaints that the vendor documents.
struct ChatRequestBody {
    var businessID: Int64
    /// Take the older `orderId` where there is no `context`.
    var acceptsLegacyOrderID: Bool

    /// Unknown fields are ignored, as the vendor does; so is `orderId` since its shutdown.
    func context(_ bytes: [UInt8]) throws(SandboxRefusal) -> SandboxContext {
        let json: StrictJSON
        guard bytes.contains(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) else {
            throw .badRequest("Required request body is missing")
        }
        do { json = try StrictJSON.parse(bytes) } catch {
            throw .badRequest("JSON: \(error.reason) at offset \(error.offset)")
        }
        guard case .object(let members) = json else {
            throw json == .null ? .badRequest("Required request body is missing") : .badRequest("Illegal input at ''")
        }
        switch members["context"] ?? .null {
        case .object(let context): return try self.context(context)
        case .null: return try legacyOrder(members)
        default: throw .badRequest("Illegal input at 'context'")
        }
    }

    private func context(_ members: [String: StrictJSON]) throws(SandboxRefusal) -> SandboxContext {
        var complaints: [String] = []
        var kind: SandboxContext.Kind?
        switch members["type"] ?? .null {
        case .null: complaints.append("'context.type' must not be null (rejected value: null)")
        case .string(let name):
            kind = SandboxContext.Kind(rawValue: name)
            if kind == nil { throw .badRequest("Illegal input at 'context.type'") }
        default: throw .badRequest("Illegal input at 'context.type'")
        }
        let id = try int64(members["id"] ?? .null, at: "context.id")
        switch id {
        case nil: complaints.append("'context.id' must not be null (rejected value: null)")
        case .some(..<1): complaints.append(Self.tooSmall("context.id", id ?? 0))
        default: break
        }
        guard let kind, let id, complaints.isEmpty else { throw SandboxRefusal(badRequest: complaints) }
        return SandboxContext(businessID: businessID, kind: kind, id: id)
    }

    private func legacyOrder(_ members: [String: StrictJSON]) throws(SandboxRefusal) -> SandboxContext {
        guard acceptsLegacyOrderID, let id = try int64(members["orderId"] ?? .null, at: "orderId") else {
            throw .badRequest("'context' must not be null (rejected value: null)")
        }
        guard id >= 1 else { throw .badRequest(Self.tooSmall("orderId", id)) }
        return SandboxContext(businessID: businessID, kind: .order, id: id)
    }

    /// `nil` for null. A fraction, an exponent or a text is no int64, whatever its value.
    private func int64(_ json: StrictJSON, at path: String) throws(SandboxRefusal) -> Int64? {
        guard case .number(let literal) = json else {
            if json == .null { return nil }
            throw .badRequest("Illegal input at '\(path)'")
        }
        guard literal.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || (0x30...0x39).contains($0) }) else {
            throw .badRequest("Illegal input at '\(path)'")
        }
        guard let value = Int64(literal) else {
            throw .badRequest("JSON: Numeric value (\(literal.prefix(40))) out of range of long at '\(path)'")
        }
        return value
    }

    static func tooSmall(_ path: String, _ value: Int64) -> String {
        "'\(path)' must be greater than or equal to 1 (rejected value: \(value))"
    }
}
