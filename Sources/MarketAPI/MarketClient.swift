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

/// What a chat is to be created about.
public struct CreateChatRequest: Sendable, Equatable {
    /// The cabinet: int64, 1 or more.
    public var businessID: Int64
    public var subject: Subject

    /// The two shapes of the request's body.
    public enum Subject: Sendable, Equatable {
        /// `{"context":{"type":…,"id":…}}`.
        case context(ChatContext)
        /// `{"orderId":…}`: the older shape, which the vendor switched off on 2026-10-19. For libraries that talk to an
        /// older host; the daemon never sends it.
        case legacyOrder(id: Int64)
    }

    public init(businessID: Int64, subject: Subject) {
        self.businessID = businessID
        self.subject = subject
    }
}

/// An order or a return.
public struct ChatContext: Sendable, Equatable {
    public var kind: Kind
    /// int64, 1 or more.
    public var id: Int64

    /// `ChatContextIdentifiableType` of the specification.
    public enum Kind: String, Sendable, CaseIterable {
        case order = "ORDER"
        /// FBY, FBS and Express only; the Market refuses returns of DBS.
        case `return` = "RETURN"
    }

    public init(kind: Kind, id: Int64) {
        self.kind = kind
        self.id = id
    }
}

/// The chat of a context.
public struct CreatedChat: Sendable, Equatable {
    /// int64, 1 or more: checked.
    public var chatID: Int64

    public init(chatID: Int64) {
        self.chatID = chatID
    }
}

/// One exchange: the answer and what came with it.
public struct MarketReply<Value: Sendable>: Sendable {
    public var answer: MarketAnswer<Value>
    /// The quota headers, where they came.
    public var quota: QuotaHeaders?
    /// `Retry-After` as a time from the answer on; undocumented, honoured if it comes. 0 to 24 hours.
    public var retryAfter: Duration?
    /// The `traceparent` header: what the vendor's support asks for. At most 128 characters.
    public var traceID: String?
    /// How many exchanges it took, 1 or more: ``RetryingMarketClient`` repeats.
    public var tries: Int
    /// Of ``tries``, those whose answer was lost: the Market may have counted them.
    public var lostTries: Int

    public init(
        answer: MarketAnswer<Value>, quota: QuotaHeaders? = nil, retryAfter: Duration? = nil, traceID: String? = nil,
        tries: Int = 1
    ) {
        self.answer = answer
        self.quota = quota
        self.retryAfter = retryAfter
        self.traceID = traceID
        self.tries = tries
        lostTries =
            switch answer {
            case .failed(.timedOut), .failed(.connectionLost), .failed(.bodyTooLarge): tries
            case .ok, .malformed, .httpError, .failed: 0
            }
    }
}

/// What the Market said.
public enum MarketAnswer<Value: Sendable>: Sendable {
    /// A 2xx that holds what was asked for.
    case ok(Value)
    /// A 2xx that does not: malformed, `status` ERROR, no or an impossible value. `reason` is short and holds no secret.
    case malformed(status: Int, reason: String)
    /// Any other status, redirects included.
    case httpError(status: Int, problem: MarketProblem)
    /// No answer, or not all of it.
    case failed(TransportFailure)
}

extension MarketReply: Equatable where Value: Equatable {}
extension MarketAnswer: Equatable where Value: Equatable {}

/// An error body, in whichever shape it came.
public struct MarketProblem: Sendable, Equatable {
    /// The first error's code, or the older shape's number; `nil` where there is none. At most 200 characters.
    public var code: String?
    /// The first error's message; where the body is not an error body, its first characters. At most 1,000 characters.
    public var message: String?

    public init(code: String? = nil, message: String? = nil) {
        self.code = code
        self.message = message
    }
}

/// Why no whole answer came.
public enum TransportFailure: Sendable, Equatable {
    /// The deadline passed. The Market may have done what was asked.
    case timedOut
    /// Name resolution failed.
    case nameNotResolved(String)
    /// No connection came about: the Market has not seen the request.
    case notConnected(String)
    /// TLS failed, an untrusted certificate included: the Market has not seen the request.
    case insecure(String)
    /// The connection broke. The Market may have done what was asked.
    case connectionLost(String)
    /// The body is longer than 512 KB.
    case bodyTooLarge
    /// There is no API key for the business.
    case noCredentials(String)
    /// The calling task was cancelled.
    case cancelled
}

/// `X-RateLimit-Resource-*`, as they came with a response.
public struct QuotaHeaders: Sendable, Equatable {
    /// Requests in a window; 0 or more.
    public var limit: Int?
    /// Requests left in this window, of all integrations of the cabinet together; 0 or more.
    public var remaining: Int?
    /// The time from the response's own `Date` to `X-RateLimit-Resource-Until`, so that no clock of ours matters. Both
    /// have whole seconds, so it is up to one second too long. 0 to 24 hours; `nil` where either cannot be read.
    public var resetsIn: Duration?
    /// `X-RateLimit-Resource-Until` in seconds since 1970: tells one window from another.
    public var until: Int64?

    public init(limit: Int? = nil, remaining: Int? = nil, resetsIn: Duration? = nil, until: Int64? = nil) {
        self.limit = limit
        self.remaining = remaining
        self.resetsIn = resetsIn
        self.until = until
    }
}

/// What `POST /v2/auth/token` says of a key.
public struct APIKeyInfo: Sendable, Equatable {
    public var name: String?
    /// Such as `COMMUNICATION` or `ALL_METHODS`; as sent.
    public var scopes: [String]

    public init(name: String?, scopes: [String]) {
        self.name = name
        self.scopes = scopes
    }
}

/// One page of `GET /v2/campaigns`.
public struct CampaignPage: Sendable, Equatable {
    public var campaigns: [Campaign]
    /// `nil` on the last page.
    public var nextPageToken: String?

    /// One shop of a cabinet.
    public struct Campaign: Sendable, Equatable {
        public var id: Int64
        /// The cabinet it belongs to.
        public var businessID: Int64?
        /// `FBS`, `FBY`, `DBS`, or what the vendor invents next.
        public var placementType: String?
        /// `AVAILABLE`, `DISABLED_BY_INACTIVITY`, or what the vendor invents next.
        public var apiAvailability: String?

        public init(id: Int64, businessID: Int64?, placementType: String?, apiAvailability: String?) {
            self.id = id
            self.businessID = businessID
            self.placementType = placementType
            self.apiAvailability = apiAvailability
        }
    }

    public init(campaigns: [Campaign], nextPageToken: String?) {
        self.campaigns = campaigns
        self.nextPageToken = nextPageToken
    }
}
