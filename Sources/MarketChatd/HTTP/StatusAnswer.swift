import ChatOutbox
import ChatSync

/// What the HTTP listener answers: a status code, a type and a text. Pure, so that it is tested without a socket.
struct StatusAnswer: Sendable, Equatable {
    var code: Int
    var contentType: String
    var body: String
    /// `nil`: nothing may be loaded or run.
    var contentSecurityPolicy: String?

    static func json(_ code: Int, _ document: JSONText) -> StatusAnswer {
        StatusAnswer(code: code, contentType: "application/json", body: document.text + "\n")
    }
}
