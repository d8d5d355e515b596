import ChatSync
import MarketAPI

@testable import ChatSync

extension LongProof {
    /// Many older rows that always fail before some good ones, in a plain world.
    ///
    /// - Returns: when the last good row was created, in seconds; `nil` where one was not.
    public static func crowd(bad: Int, good: Int, trace: ((String) -> Void)? = nil) -> Double? {
        var random = SeededRandom(seed: 1)
        var plan = WorldPlan(&random, businessID: 1, rowCount: 1, length: 300)
        plan.settings = EngineConfiguration(businessIDs: [1]).machineSettings(of: 1)
        plan.makePlain(&random)
        (plan.limit, plan.window, plan.latency) = (1000, 3600, 0.01)
        plan.rows = (0..<bad + good).map { number in
            WorldRow(
                id: 1000 + Int64(number), kind: .order,
                nature: number < bad ? .failing(status: 500, retryAfter: nil) : .good, priority: 0, insertedAt: 0,
                dueAt: -3600 + Double(number))
        }
        let world = World(seed: 1, plan: plan)
        world.trace = trace
        world.run()
        let created = world.rows.suffix(good)
        return created.allSatisfy { $0.state == .created } ? created.map(\.answeredAt).max() : nil
    }
}
