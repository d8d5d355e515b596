/// A session that holds the lock of a business's owner and is no market-chatd: anybody who may connect can take it.
public struct StrangeOwner: Sendable, Hashable {
    /// The cabinet whose lock it holds.
    public var businessID: Int64
    /// The process of the server, for `pg_terminate_backend`.
    public var processID: Int32
    /// As whom it is connected.
    public var roleName: String
    /// As it calls itself: text from outside.
    public var applicationName: String

    public init(businessID: Int64, processID: Int32, roleName: String, applicationName: String) {
        self.businessID = businessID
        self.processID = processID
        self.roleName = roleName
        self.applicationName = applicationName
    }
}
