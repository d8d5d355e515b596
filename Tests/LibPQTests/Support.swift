import LibPQ
import PrivatePostgres

/// A connection to the cluster that all tests of this run share.
func connect(
    defaults: [(key: String, value: String)] = [], queryTimeout: Duration = .seconds(20)
) async throws -> PostgresConnection {
    let cluster = try await PrivatePostgres.shared()
    return try await PostgresConnection.connect(
        PostgresConfiguration(
            connectionString: cluster.connectionString(), defaults: defaults, queryTimeout: queryTimeout))
}

/// The error of a call that has to fail.
func failure<Value>(_ call: () async throws(PostgresError) -> Value) async -> PostgresError? {
    do throws(PostgresError) {
        _ = try await call()
        return nil
    } catch {
        return error
    }
}
