import LibPQ

extension OperatorSession {
    /// Whether this program and the schema go together.
    ///
    /// - Throws: ``OperatorError``, where that cannot be told.
    public func schemaFit() async throws(OperatorError) -> SchemaFit {
        let schema: SchemaVersion
        do {
            schema = try await SchemaVersion.read(from: connection)
        } catch {
            throw explained(error, privileges: "SELECT ON market_chat.migration, market_chat.upgrade")
        }
        guard schema.version > 0 else {
            return .unfit(
                Diagnosis(
                    "there is no schema market_chat yet",
                    cure: "run 'market-chatd migrate' as a role that may create it, or name the right database in"
                        + " DATABASE_URL"))
        }
        if let flaw = OutboxSchema.flaw(of: schema) { return .unfit(flaw) }
        return .fit(version: schema.version)
    }
}
