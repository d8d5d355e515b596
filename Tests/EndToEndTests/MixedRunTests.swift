import Harness
import MarketSandbox
import TestSupport
import Testing

/// The whole thing under every fault at once.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct MixedRunTests {
    /// Orders and returns that the Market never knows, and those that it knows when it was asked three times.
    private static let never = Set<Int64>([1001, 1002, 1003])
    private static let late = Set<Int64>([2001, 2002, 2003, 2004])
    private static let deliveryBySeller: Int64 = 13

    private static var market: SandboxOptions {
        var options = SandboxOptions()
        options.seed = 7
        options.quota = 100_000
        // Long enough that as many as may be are in flight at the same time.
        options.latency = .milliseconds(100)
        options.oldErrorShape = 0.5
        options.faults = .all(share: 0.04, slowMilliseconds: 60)
        options.businesses = [
            SandboxBusiness(id: 11), SandboxBusiness(id: 12, placements: [.fby, .express]),
            SandboxBusiness(id: deliveryBySeller, placements: [.dbs]),
        ]
        // Another integration takes two of the four places for a while.
        options.sharedParallel = 2
        for id in never { options.missing.ids[id] = .never }
        for id in late { options.missing.ids[id] = .untilAsked(3) }
        return options
    }

    @Test func underEveryFaultEachRowEndsAsTheTableSays() async throws {
        let database = try await TestDatabase.make()
        try await withSandbox(Self.market) { sandbox in
            let settings = DaemonSettings.run(
                database, sandbox, businesses: [11, 12, 13],
                ["MARKET_MAX_PARALLEL": "3", "CHATD_NOT_FOUND_PATIENCE": "3s"])
            try await withDaemon(settings) { daemon in
                try await crowd(database, sandbox)
                try await insertTheRest(database)
                try await database.untilSettled()
                #expect(try await daemon.drain() == .exited(0))
            }
            try await Invariants.expectAll(in: database, sandbox, rows: 500)
            for row in try await database.outbox() { expectEnd(row) }
            try await expectEvidence(database)
            expectManners(sandbox.state())
        }
    }

    /// The first rows of each business, while more are in flight than the Market has places for.
    private func crowd(_ database: TestDatabase, _ sandbox: MarketSandboxServer) async throws {
        for business in [11, 12, 13] as [Int64] { try await database.insert(1...20, business: business) }
        try await waitUntil("each business was refused for too many requests in flight") {
            let businesses = sandbox.state(withContexts: false).businesses
            return businesses.count == 3 && businesses.allSatisfy { $0.parallelRefusals > 0 }
        }
        var change = SandboxChange()
        change.sharedParallel = 0
        change.latencyMilliseconds = 5
        try sandbox.apply(change)
    }

    private func insertTheRest(_ database: TestDatabase) async throws {
        try await database.run("BEGIN")
        for business in [11, 12, 13] as [Int64] {
            // They come back while others are still waiting.
            try await database.insert(1001...1003, business: business, priority: 10)
            try await database.insert(2001...2004, type: "RETURN", business: business, priority: 5)
            try await database.insert(21...90, business: business)
            try await database.insert(1...69, type: "RETURN", business: business)
        }
        try await database.insert(91...92, business: 11)
        try await database.run("COMMIT")
    }

    private func expectEnd(_ row: SettledRow) {
        if row.context.businessID == Self.deliveryBySeller, row.context.kind == .return {
            #expect(row.state == "rejected")
            #expect(row.lastError?.hasPrefix("400 ") == true, "\(row)")
            #expect(row.lastError?.contains("Campaign type is not allowed") == true, "\(row)")
        } else if Self.never.contains(row.context.id) {
            #expect(row.state == "rejected", "\(row)")
            #expect(row.lastError?.contains("Order not found: '\(row.context.id)'") == true, "\(row)")
        } else {
            #expect(row.state == "created", "\(row)")
            #expect(row.lastError == nil, "\(row)")
        }
    }

    private func expectEvidence(_ database: TestDatabase) async throws {
        let silent = "SELECT count(*) FROM market_chat.attempt WHERE http_status IS NOT NULL AND trace_id IS NULL"
        #expect(try await database.number(silent) == 0, "an answer's trace id was not kept")
        let lost = "SELECT count(*) FROM market_chat.attempt WHERE http_status IS NULL AND code IS NULL"
        #expect(try await database.number(lost) == 0, "an attempt tells neither a status nor a code")
    }

    private func expectManners(_ state: SandboxState) {
        #expect(state.redirectsFollowed == 0)
        #expect(state.faults.count == 9, "\(state.faults)")
        for business in state.businesses {
            #expect(business.quotaRefusals == 0)
            #expect(business.maxInFlight == 3)
        }
    }
}
