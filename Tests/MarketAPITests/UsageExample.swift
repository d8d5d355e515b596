// The code of the article "Using the library". UsageExampleTests compares the two, and runs this one.

// example begins
import MarketAPI

/// What came of asking for a chat.
enum ChatOutcome: Equatable {
    /// The chat of the order, new or old.
    case chat(id: Int64)
    /// The same request may succeed after so long.
    case later(Duration)
    /// Somebody has to look: the reason, and what the vendor's support asks for.
    case refused(String, traceID: String?)
}

/// Asks for the chat with the buyer of an order.
func chatOfOrder(_ orderID: Int64, businessID: Int64, with client: some MarketClient) async -> ChatOutcome {
    let order = ChatContext(kind: .order, id: orderID)
    let reply = await client.createChat(CreateChatRequest(businessID: businessID, subject: .context(order)))
    switch reply.answer {
    case .ok(let chat):
        return .chat(id: chat.chatID)
    case .httpError(status: 420, _):
        // The quota of the cabinet, or too many requests at a time.
        return .later(reply.quota?.resetsIn ?? .seconds(60))
    case .httpError(status: 500..., _), .failed, .malformed:
        return .later(reply.retryAfter ?? .seconds(10))
    case .httpError(let status, let problem):
        return .refused("\(status) \(problem.code ?? ""): \(problem.message ?? "")", traceID: reply.traceID)
    }
}

/// Makes a client, uses it for some orders, and shuts it down.
func chatsOfOrders(_ orderIDs: [Int64], businessID: Int64, key: String, baseURL: String) async throws -> [ChatOutcome] {
    let configuration = try MarketClientConfiguration(baseURL: baseURL, integration: "my-shop/1.0")
    let http = HTTPMarketClient(configuration: configuration) { _ in .apiKey(SecretString(key)) }
    let client = RetryingMarketClient(http)
    var outcomes: [ChatOutcome] = []
    for orderID in orderIDs {
        outcomes.append(await chatOfOrder(orderID, businessID: businessID, with: client))
    }
    await http.shutdown()
    return outcomes
}
// example ends
