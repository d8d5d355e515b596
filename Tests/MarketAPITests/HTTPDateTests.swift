import TestSupport
import Testing

@testable import MarketAPI

@Suite(.concurrencyLimited) struct HTTPDateTests {
    @Test(arguments: [
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        // The weekday is wrong, as in the vendor's own example.
        ("Mon, 09 Sep 2026 15:18:00 GMT", 1_788_967_080), ("Tue, 29 Feb 2000 12:00:00 GMT", 951_825_600),
        ("Wed, 31 Dec 9999 23:59:59 GMT", 253_402_300_799), ("Mon, 01 Jan 0001 00:00:00 GMT", -62_135_596_800),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800), ("Sun, 06 Nov 1994 08:49:37 UTC", 784_111_777),
        ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Sun Nov  6 08:49:37 1994", 784_111_777),
        ("Wednesday, 09-Sep-26 15:18:00 GMT", 1_788_967_080),
    ])
    func aDateIsRead(text: String, seconds: Int64) {
        #expect(HTTPDate.secondsSince1970(text) == seconds)
    }

    @Test(arguments: [
        "", "0", "1788967080", "2026-09-09T15:18:00Z", "Wed, 09 Sep 2026 15:18:00", "Wed, 09 Sep 2026 15:18:00 MSK",
        "Wed, 09 Sep 2026 15:18:00 +0300", "Wed, 00 Sep 2026 15:18:00 GMT", "Wed, 31 Sep 2026 15:18:00 GMT",
        "Wed, 29 Feb 2026 15:18:00 GMT", "Wed, 29 Feb 1900 15:18:00 GMT", "Wed, 09 Xyz 2026 15:18:00 GMT",
        "Wed, 09 Sep 2026 24:00:00 GMT", "Wed, 09 Sep 2026 15:60:00 GMT", "Wed, 09 Sep 2026 15:18:61 GMT",
        "Wed, 09 Sep 2026 15:18 GMT", "Wed, 09 Sep 20260 15:18:00 GMT", "Sat, 01 Jan 0000 00:00:00 GMT",
        "Wed, 09 Sep +026 15:18:00 GMT",
        "Wed, ٠٩ Sep 2026 15:18:00 GMT", "Wed, 9223372036854775807 Sep 2026 15:18:00 GMT", "a b c d e f", "a b c d e",
        String(repeating: "Wed, ", count: 50),
    ])
    func whatIsNoDateIsNone(text: String) {
        #expect(HTTPDate.secondsSince1970(text) == nil)
    }

    @Test func everyDayOfFourCenturiesFollowsTheDayBefore() throws {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        var expected: Int64 = 0
        for year in 1970..<2370 {
            for month in months {
                for day in 1...31 {
                    let text = "Xxx, \(day < 10 ? "0" : "")\(day) \(month) \(year) 00:00:00 GMT"
                    guard let seconds = HTTPDate.secondsSince1970(text) else { continue }
                    guard seconds == expected else {
                        Issue.record("\(text) is \(seconds), not \(expected)")
                        return
                    }
                    expected += 86_400
                }
            }
        }
        // 400 Gregorian years.
        #expect(expected == 146_097 * 86_400)
    }
}

@Suite(.concurrencyLimited) struct AnswerHeadersTests {
    private func headers(_ values: [String: String], now: Int64 = 0, secret: String = "") -> AnswerHeaders {
        AnswerHeaders(now: now, safe: SafeText(hiding: secret)) { values[$0] }
    }

    private let date = "Wed, 09 Sep 2026 15:00:00 GMT"

    @Test(arguments: [
        ("Wed, 09 Sep 2026 15:18:00 GMT", 1080), ("Wed, 09 Sep 2026 15:00:00 GMT", 0),
        ("Wed, 09 Sep 2026 14:59:59 GMT", 0), ("Thu, 10 Sep 2026 15:00:00 GMT", 86_400),
        ("Wed, 31 Dec 9999 23:59:59 GMT", 86_400), ("Mon, 01 Jan 0001 00:00:00 GMT", 0),
    ])
    func theWindowEndsAtUntilByTheAnswersOwnDateWithinADay(until: String, seconds: Int64) {
        let values = ["X-RateLimit-Resource-Until": until, "Date": date]
        // Whatever our own clock says.
        for now in [Int64.min, 0, .max] {
            #expect(headers(values, now: now).quota?.resetsIn == .seconds(seconds))
        }
    }

    @Test(arguments: [
        (nil, 1_788_967_020, 60), ("nonsense", 1_788_967_020, 60), (nil, Int64.max, 0), (nil, Int64.min, 86_400),
    ])
    func withoutADateOurClockStandsIn(date: String?, now: Int64, seconds: Int64) {
        var values = ["X-RateLimit-Resource-Until": "Wed, 09 Sep 2026 15:18:00 GMT"]
        values["Date"] = date
        #expect(headers(values, now: now).quota?.resetsIn == .seconds(seconds))
    }

    @Test(arguments: [
        ("0", 0), ("1000", 1000), (" 7\t", 7), ("9223372036854775807", Int.max), ("0000000000000000007", 7),
        ("9223372036854775808", nil), ("99999999999999999999999", nil), ("-1", nil), ("+1", nil), ("1.0", nil),
        ("1e3", nil), ("", nil), (" ", nil), ("x", nil), ("1 2", nil), ("٧", nil), ("7x", nil),
    ])
    func aCountIsDigitsOrNothing(text: String, expected: Int?) {
        let quota = headers(["X-RateLimit-Resource-Limit": text, "X-RateLimit-Resource-Remaining": text]).quota
        #expect(quota?.limit == expected)
        #expect(quota?.remaining == expected)
    }

    @Test func withoutQuotaHeadersThereIsNoQuota() {
        #expect(headers(["Date": date]) == AnswerHeaders())
        #expect(headers(["X-RateLimit-Resource-Limit": "x", "X-RateLimit-Resource-Until": "soon"]).quota == nil)
    }

    @Test(arguments: [
        ("0", 0), ("120", 120), ("86401", 86_400), ("9223372036854775807", 86_400),
        ("Wed, 09 Sep 2026 15:00:05 GMT", 5), ("Wed, 09 Sep 2026 14:00:00 GMT", 0), ("-5", nil), ("1.5", nil),
        ("soon", nil), ("99999999999999999999", nil),
    ])
    func retryAfterIsSecondsOrADate(text: String, seconds: Int64?) {
        #expect(headers(["Retry-After": text, "Date": date]).retryAfter == seconds.map { .seconds($0) })
    }

    @Test func aTraceIDIsBoundedAndPrintable() {
        #expect(headers(["traceparent": "00-ab\tcd-01"]).traceID == "00-ab cd-01")
        #expect(headers(["traceparent": String(repeating: "é", count: 500)]).traceID?.count == 128)
        #expect(headers(["traceparent": " "]).traceID == nil)
        #expect(headers(["traceparent": "00-key-01"], secret: "key").traceID == "00-***-01")
    }
}
