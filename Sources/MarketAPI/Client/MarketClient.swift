/// The Market's Partner API, as far as chats need it. Answers are values: a 420 is an expected reply, not an error.
///
/// No method throws and none outlives its deadline. When the calling task is cancelled, the answer is
/// ``TransportFailure/cancelled``.
public protocol MarketClient: Sendable {
    /// `POST /v2/businesses/{businessId}/chats/new`: a new chat, or the one that its context has already.
    ///
    /// Idempotent, so it is safe to repeat. Source: the vendor's OpenAPI specification, `createChat`.
    func createChat(_ request: CreateChatRequest) async -> MarketReply<CreatedChat>

    /// `POST /v2/auth/token`: name and scopes of the API key of `businessID`. At most 100 calls an hour.
    func keyInfo(businessID: Int64) async -> MarketReply<APIKeyInfo>

    /// `GET /v2/campaigns`: one page of the campaigns (shops) that the key of `businessID` can see.
    func campaigns(businessID: Int64, pageToken: String?) async -> MarketReply<CampaignPage>
}
