/// Bodies that a careful client survives.
enum MalformedBody: CaseIterable {
    case truncated, cutConnection, html, empty, statusError, missingResult, nullResult, missingChatID, chatIDZero
    case chatIDNegative, chatIDText, chatIDFraction, chatIDTooBig, resultArray, notUTF8, tooLong, deep

    /// The body instead of the right one, and after how many of its bytes the connection breaks.
    func bytes(chatID: Int64) -> (body: [UInt8], cutAfter: Int?) {
        let right = Array(#"{"status":"OK","result":{"chatId":\#(chatID)}}"#.utf8)
        func text(_ text: String) -> (body: [UInt8], cutAfter: Int?) { (Array(text.utf8), nil) }
        func chat(_ literal: String) -> (body: [UInt8], cutAfter: Int?) {
            text(#"{"status":"OK","result":{"chatId":\#(literal)}}"#)
        }
        return switch self {
        case .truncated: (Array(right.dropLast(9)), nil)
        case .cutConnection: (right, right.count / 2)
        case .html: text("<html><body><h1>It works!</h1></body></html>")
        case .empty: ([], nil)
        case .statusError: text(#"{"status":"ERROR","errors":null}"#)
        case .missingResult: text(#"{"status":"OK"}"#)
        case .nullResult: text(#"{"status":"OK","result":null}"#)
        case .missingChatID: text(#"{"status":"OK","result":{}}"#)
        case .chatIDZero: chat("0")
        case .chatIDNegative: chat("-\(chatID)")
        case .chatIDText: chat("\"\(chatID)\"")
        case .chatIDFraction: chat("1.5")
        case .chatIDTooBig: chat("9223372036854775808")
        case .resultArray: text(#"{"status":"OK","result":[1]}"#)
        case .notUTF8: ([0xFF, 0xFE, 0x00] + right, nil)
        case .tooLong: ([UInt8](repeating: 0x20, count: 600 * 1024) + right, nil)
        case .deep: ([UInt8](repeating: 0x5B, count: 100_000), nil)
        }
    }
}
