import LibPQ

extension OperatorSession {
    /// The version of the schema, where this program works with it.
    ///
    /// - Throws: ``OperatorError``; `unusable` where one of the two has to be upgraded first.
    public func schemaVersion() async throws(OperatorError) -> Int {
        let schema: SchemaVersion
        do {
            schema = try await SchemaVersion.read(from: connection)
        } catch {
            throw explained(error, privileges: "SELECT ON market_chat.migration")
        }
        guard schema.version > 0 else {
            throw .unusable("\(place): there is no schema market_chat yet: run 'market-chatd migrate'")
        }
        if let flaw = OutboxSchema.flaw(of: schema) { throw .unusable("\(place): \(flaw)") }
        return schema.version
    }
}
