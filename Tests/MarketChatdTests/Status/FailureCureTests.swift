import ChatOutbox
import TestSupport
import Testing

@testable import MarketChatd

/// The command that mends a kind of failure can be typed as it stands, whatever the Market sent.
@Suite(.concurrencyLimited) struct FailureCureTests {
    private func cure(_ httpStatus: Int?, _ code: String?, _ verdict: String, rejected: Int = 0) -> FailureCure {
        FailureCure(
            FailureGroup(
                businessID: 11, httpStatus: httpStatus, code: code, verdict: verdict, rows: 5, rejected: rejected,
                rowID: 7, message: nil, traceID: nil, age: .zero))
    }

    @Test func whatIsRejectedIsRetriedByItsCode() {
        #expect(
            cure(400, "BAD_REQUEST", "rejected", rejected: 1).command
                == "market-chatd retry --business 11 --all-rejected --code BAD_REQUEST")
        #expect(cure(400, nil, "rejected", rejected: 1).command.hasSuffix("--all-rejected --code 400"))
        #expect(cure(nil, nil, "rejected", rejected: 1).command.hasSuffix("--all-rejected"))
    }

    @Test(arguments: ["$(reboot)", "a b", "'", "-x;", "`x`", "|", "\n", "", String(repeating: "A", count: 65), "Ж"])
    func aCodeThatAShellWouldObeyIsNotWritten(code: String) {
        #expect(cure(400, code, "rejected", rejected: 1).command.hasSuffix("--all-rejected --code 400"))
    }

    @Test func theRestMendsItselfOrNeedsAKey() {
        #expect(cure(401, nil, "deferred").command == "systemctl reload market-chatd")
        #expect(cure(403, nil, "deferred").command == "market-chatd explain --id 7", "it may be the row's")
        #expect(cure(404, nil, "deferred").advice.contains("MARKET_API_URL"))
        #expect(cure(420, nil, "deferred").command == "market-chatd explain --id 7")
        #expect(cure(500, nil, "backoff").advice.contains("by themselves"))
        #expect(cure(nil, nil, "refused").advice.contains("own database"))
    }
}
