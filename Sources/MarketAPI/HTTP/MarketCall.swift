import NIOHTTP1

/// One request of the API, before the host and the headers that all of them share.
struct MarketCall: Sendable, Equatable {
    var method: HTTPMethod
    /// From the API's root, percent-encoded, with the query.
    var path: String
    /// JSON.
    var body: String?

    /// Campaigns on a page of `GET /v2/campaigns`.
    private static let campaignsPerPage = 50

    /// `POST /v2/businesses/{businessId}/chats/new`.
    static func createChat(_ request: CreateChatRequest) -> MarketCall {
        // Integers and constants only, so there is nothing to escape.
        let body =
            switch request.subject {
            case .context(let context): #"{"context":{"type":"\#(context.kind.rawValue)","id":\#(context.id)}}"#
            case .legacyOrder(let id): #"{"orderId":\#(id)}"#
            }
        return MarketCall(method: .POST, path: "/v2/businesses/\(request.businessID)/chats/new", body: body)
    }

    /// `POST /v2/auth/token`: the key comes in the header, and there is no body.
    static let keyInfo = MarketCall(method: .POST, path: "/v2/auth/token", body: nil)

    /// `GET /v2/campaigns`.
    static func campaigns(pageToken: String?) -> MarketCall {
        var path = "/v2/campaigns?limit=\(campaignsPerPage)"
        if let pageToken { path += "&pageToken=" + percentEncoded(pageToken) }
        return MarketCall(method: .GET, path: path, body: nil)
    }

    /// All but the unreserved characters of RFC 3986.
    private static func percentEncoded(_ text: String) -> String {
        var encoded: [UInt8] = []
        let hexDigits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.append(byte)
            default:
                encoded += [UInt8(ascii: "%"), hexDigits[Int(byte >> 4)], hexDigits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}
