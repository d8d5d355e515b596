import Harness
import MarketSandbox
import NIOHTTP1
import TestSupport
import Testing

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct ServerTests {
    @Test func aChatIsCreatedOverHTTPAndTheConnectionIsClosed() async throws {
        try await withSandbox { sandbox in
            let before = SandboxMoment.monotonicNow()
            let answer = try await Client.createChat(sandbox)
            let chatID = try #require(sandbox.state().chats.values.first)
            #expect(answer.status == 200)
            #expect(answer.body == #"{"status":"OK","result":{"chatId":\#(chatID)}}"#)
            #expect(answer.headers.first(name: "Connection") == "close")
            #expect(answer.headers.first(name: "X-RateLimit-Resource-Remaining") == "999")
            let arrival = try #require(sandbox.state().contexts.first?.arrivals.first)
            #expect(arrival >= before)
            #expect(arrival <= SandboxMoment.monotonicNow())
        }
    }

    @Test func connectionsAreKeptWhereThatIsAskedFor() async throws {
        var options = SandboxOptions()
        options.keepAlive = true
        try await withSandbox(options) { sandbox in
            let answer = try await Client.createChat(sandbox)
            #expect(answer.headers.first(name: "Connection") == nil)
            #expect(try await Client.createChat(sandbox, order: 18).status == 200)
        }
    }

    @Test func aBodyLongerThanTheMarketTakesIsRefusedAndTheNextOneIsNot() async throws {
        try await withSandbox { sandbox in
            let path = "/v2/businesses/1001/chats/new"
            let padding = String(repeating: " ", count: 512 * 1024)
            let context = #"{"context":{"type":"ORDER","id":17}}"#
            let refusal = try await Client.send(sandbox, "POST", path, body: padding + context)
            #expect(refusal.status == 413)
            let fitting = String(padding.dropLast(context.utf8.count)) + context
            let answer = try await Client.send(sandbox, "POST", path, body: fitting)
            #expect(answer.status == 200)
        }
    }

    @Test(arguments: [SandboxFaults.only(\.resetBefore), .only(\.resetAfter)])
    func aResetIsSeenAsABrokenConnection(faults: SandboxFaults) async throws {
        var options = SandboxOptions()
        options.faults = faults
        try await withSandbox(options) { sandbox in
            await #expect(throws: (any Error).self) { try await Client.createChat(sandbox) }
            #expect(sandbox.state().businesses.first?.statuses == [0: 1])
        }
    }

    @Test func malformedAnswersAreDeliveredAsTheyAre() async throws {
        var options = SandboxOptions()
        options.faults.malformed = 1
        options.quota = 10_000
        try await withSandbox(options) { sandbox in
            var wrong = 0
            for id in 1...60 {
                let answer = try? await Client.createChat(sandbox, order: Int64(id))
                let context = SandboxContext(businessID: 1001, kind: .order, id: Int64(id))
                let chatID = try #require(sandbox.state().chats[context])
                if answer?.body != #"{"status":"OK","result":{"chatId":\#(chatID)}}"# { wrong += 1 }
            }
            #expect(wrong == 60)
        }
    }

    @Test func aRequestWhoseClientLeavesEndsAtOnceAndItsWorkIsDone() async throws {
        var options = SandboxOptions()
        options.latency = .seconds(9)
        try await withSandbox(options) { sandbox in
            let client = Task { try await Client.createChat(sandbox) }
            try await waitUntil("it is in flight", atMost: .seconds(10)) {
                sandbox.state().businesses.first?.inFlight == 1
            }
            client.cancel()
            try await waitUntil("nothing is in flight", atMost: .seconds(10)) {
                sandbox.state().businesses.first?.inFlight == 0
            }
            #expect(sandbox.state().chats.count == 1)
            _ = await client.result
        }
    }

    @Test func aStoppedSandboxLeavesNobodyWaiting() async throws {
        var options = SandboxOptions()
        options.outage = .hang
        let sandbox = try await MarketSandboxServer.start(options)
        let client = Task { try await Client.createChat(sandbox) }
        try await waitUntil("it is in flight", atMost: .seconds(10)) { sandbox.state().businesses.first?.inFlight == 1 }
        await sandbox.stop()
        let result = await client.result
        #expect(throws: (any Error).self) { try result.get() }
        try await sandbox.untilStopped()
    }

    @Test func aTakenPortIsToldWithItsCure() async throws {
        try await withSandbox { sandbox in
            var options = SandboxOptions()
            options.port = sandbox.port
            let error = await #expect(throws: SandboxStartError.self) {
                try await MarketSandboxServer.start(options)
            }
            #expect(error?.description.contains("choose another --port") == true)
        }
    }

    @Test func theSandboxesOwnPagesShowAndChangeIt() async throws {
        try await withSandbox { sandbox in
            #expect(try await Client.createChat(sandbox).status == 200)
            let state = try await Client.send(sandbox, "GET", "/sandbox/state")
            #expect(state.body.contains(#""inFlight":0"#))
            let chatID = try #require(sandbox.state().chats.values.first)
            #expect(state.body.contains(#""chatID":\#(chatID)"#))
            let brief = try await Client.send(sandbox, "GET", "/sandbox/state?contexts=no")
            #expect(brief.body.contains(#""contexts":[]"#))
            let change = #"{"faults":{"error503":1},"lockOuts":{"1002":"denied"},"latencyMilliseconds":1}"#
            #expect(try await Client.send(sandbox, "POST", "/sandbox/change", body: change).status == 200)
            #expect(try await Client.createChat(sandbox).status == 503)
            #expect(try await Client.send(sandbox, "POST", "/sandbox/change", body: #"{"quota":-1}"#).status == 400)
            #expect(try await Client.send(sandbox, "POST", "/sandbox/change", body: "x").status == 400)
            #expect(try await Client.send(sandbox, "POST", "/sandbox/reset").status == 200)
            #expect(sandbox.state().requests == 0)
            #expect(sandbox.state().contexts.isEmpty)
            #expect(try await Client.createChat(sandbox).status == 200)
            #expect(try await Client.send(sandbox, "GET", "/sandbox").body.contains("/sandbox/change"))
            #expect(try await Client.send(sandbox, "DELETE", "/sandbox/state").status == 404)
        }
    }

    @Test func whoFollowsARedirectIsCaught() async throws {
        try await withSandbox { sandbox in
            _ = try await Client.send(sandbox, "GET", "/sandbox/trap")
            _ = try await Client.send(sandbox, "GET", "/sandbox/trap", headers: [])
            #expect(sandbox.state().redirectsFollowed == 2)
            #expect(sandbox.state().redirectsFollowedWithKey == 1)
        }
    }

    @Test func manyAtOnceAreCountedExactly() async throws {
        var options = SandboxOptions()
        options.quota = 150
        options.parallel = 1000
        try await withSandbox(options) { sandbox in
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for id in 1...200 {
                    group.addTask { try await Client.createChat(sandbox, order: Int64(id)).status }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [200: 150, 420: 50])
            let business = try #require(sandbox.state().businesses.first)
            #expect(business.quotaRefusals == 50)
            #expect(business.quotaRemaining == 0)
            #expect(business.inFlight == 0)
            #expect(Set(sandbox.state().chats.values).count == 150)
        }
    }
}
