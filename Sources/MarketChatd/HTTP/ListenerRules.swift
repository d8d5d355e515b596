import HTTPTypes
import Hummingbird
import NIOCore

/// What holds for every request and every answer: the name we are called by, the methods, and the fields that tell a
/// browser to make as little as it can of what it gets.
struct ListenerRules: RouterMiddleware {
    let hosts: HostPolicy
    let connections: ListenerConnections

    func handle(
        _ request: Request, context: ListenerContext, next: (Request, ListenerContext) async throws -> Response
    ) async throws -> Response {
        connections.begins(context.channel)
        defer { connections.ends(context.channel) }
        var response = try await answer(request, context, next)
        response.headers[.cacheControl] = "no-store"
        response.headers[.xContentTypeOptions] = "nosniff"
        for (name, value) in Self.fields where response.headers[name] == nil { response.headers[name] = value }
        return response
    }

    private static let fields: [(HTTPField.Name, String)] = [
        (.contentSecurityPolicy, "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"),
        (HTTPField.Name("Referrer-Policy")!, "no-referrer"), (HTTPField.Name("X-Frame-Options")!, "DENY"),
        (HTTPField.Name("Cross-Origin-Resource-Policy")!, "same-origin"),
        (HTTPField.Name("Cross-Origin-Opener-Policy")!, "same-origin"),
    ]

    private func answer(
        _ request: Request, _ context: ListenerContext, _ next: (Request, ListenerContext) async throws -> Response
    ) async throws -> Response {
        guard hosts.allows(request.head.authority) else {
            return .plain(
                .misdirectedRequest,
                "This name is not one that market-chatd answers to. Use localhost or an address in numbers, or set"
                    + " CHATD_HTTP_LISTEN to the name.\n")
        }
        guard request.method == .get || request.method == .head else {
            var response = Response.plain(.methodNotAllowed, "Everything here is only to be read: GET or HEAD.\n")
            response.headers[.allow] = "GET, HEAD"
            return response
        }
        do {
            return try await next(request, context)
        } catch let error as HTTPError where error.status == .notFound {
            return .plain(.notFound, "Not here. There are /, /status.json, /metrics, /healthz and /readyz.\n")
        }
    }
}

extension Response {
    static func plain(_ status: HTTPResponse.Status, _ text: String) -> Response {
        Response(
            status: status, headers: [.contentType: "text/plain; charset=utf-8"],
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }

    init(_ answer: StatusAnswer) {
        self.init(
            status: .init(code: answer.code), headers: [.contentType: answer.contentType],
            body: .init(byteBuffer: ByteBuffer(string: answer.body)))
        if let policy = answer.contentSecurityPolicy { headers[.contentSecurityPolicy] = policy }
    }
}
