import Foundation
import MarketSandbox
import TestSupport
import Testing

/// The article "Using the library" shows code that compiles and works: that of `UsageExample.swift`.
@Suite(.concurrencyLimited) struct UsageExampleTests {
    private func text(of path: String) throws -> String {
        try String(contentsOfFile: Repository.path(of: path), encoding: .utf8)
    }

    @Test func theArticleShowsTheExampleAsItIs() throws {
        let source = try text(of: "Tests/MarketAPITests/UsageExample.swift")
        let begin = try #require(source.range(of: "// example begins\n"))
        let end = try #require(source.range(of: "// example ends"))
        let article = try text(of: "Sources/MarketAPI/MarketAPI.docc/UsingTheLibrary.md")
        #expect(article.contains("```swift\n\(source[begin.upperBound..<end.lowerBound])```"))
    }

    @Test func theExampleTellsWhatCameOfEachOrder() async throws {
        var options = SandboxOptions()
        options.quota = 3
        // Long enough that no window ends in mid-test, whenever it runs.
        options.window = .seconds(365 * 86_400)
        options.missing.ids[2] = .never
        try await withSandbox(options) { sandbox in
            let outcomes = try await chatsOfOrders(
                [1, 2, 1, 3], businessID: 7, key: SandboxKey.defaultToken, baseURL: sandbox.url)
            try #require(outcomes.count == 4)
            let chatID = try #require(sandbox.state().chats[SandboxContext(businessID: 7, kind: .order, id: 1)])
            #expect(outcomes[0] == .chat(id: chatID))
            #expect(outcomes[2] == outcomes[0])
            guard case .refused(let text, let traceID) = outcomes[1] else {
                Issue.record("\(outcomes[1])")
                return
            }
            #expect(text.hasPrefix("404 NOT_FOUND: Order not found"))
            #expect(traceID != nil)
            // The quota is used up, until the window ends.
            guard case .later(let time) = outcomes[3] else {
                Issue.record("\(outcomes[3])")
                return
            }
            #expect(time > .zero)
        }
    }

    @Test func theExampleComesBackLaterWhereTheMarketIsSick() async throws {
        var options = SandboxOptions()
        options.outage = .unavailable
        try await withSandbox(options) { sandbox in
            let outcomes = try await chatsOfOrders(
                [1], businessID: 7, key: SandboxKey.defaultToken, baseURL: sandbox.url)
            #expect(outcomes == [.later(.seconds(10))])
        }
    }
}
