import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited) struct MomentTextTests {
    @Test(arguments: [
        ("1970-01-01T00:00Z", 0), ("2026-11-27T12:00:00+03:00", 1_795_770_000_000_000),
        ("2026-11-27 09:00:00Z", 1_795_770_000_000_000), ("2026-11-27t09:00:00.25z", 1_795_770_000_250_000),
        ("2026-11-27T03:30:00,000001-0530", 1_795_770_000_000_001), ("2026-11-27T12+03", nil),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000_000), ("2023-02-29T00:00:00Z", nil), ("2100-02-29T00:00:00Z", nil),
        ("2026-04-31T00:00Z", nil), ("2026-13-01T00:00Z", nil), ("2026-00-01T00:00Z", nil), ("0226-01-01T00:00Z", nil),
        ("2026-11-27T24:00Z", nil), ("2026-11-27T10:60Z", nil), ("2026-11-27T10:00:60Z", nil),
        ("2026-11-27T10:00+16:00", nil), ("2026-11-27T10:00+03:60", nil), ("2026-11-27T10:00+3", nil),
        ("2026-11-27T10:00Z ", nil), (" 2026-11-27T10:00Z", nil), ("2026-11-27T10:00Z\0", nil), ("", nil),
        ("now", nil), ("infinity", nil), ("27.11.2026 12:00", nil), ("2026-11-27", nil), ("2026-11-27T10:00:00.Z", nil),
        ("２026-11-27T10:00Z", nil), ("2026-11-27T10:00:00.0123456789Z", nil),
    ])
    func aMomentIsADateATimeAndAZone(text: String, microseconds: Int?) {
        #expect((try? MomentText(parsing: text))?.microseconds == microseconds.map(Int64.init), "\(text)")
    }

    @Test func whatPostgreSQLGetsSaysAllOfIt() throws {
        #expect(try MomentText(parsing: "2026-11-27T12:05:06.5+03").sql == "2026-11-27 12:05:06.500000+03:00")
        #expect(try MomentText(parsing: "2026-11-27 12:05-01:30").sql == "2026-11-27 12:05:00.000000-01:30")
    }

    @Test(arguments: [
        ("2026-11-27T10:00", "has no zone: add Z, or an offset such as +03:00"),
        ("2026-11-31T10:00Z", "is no date of the years 1970 to 9999"),
        ("2026-11-27T25:00Z", "is no time of a day, or no offset of a zone"),
        ("tomorrow", "is no moment: write a date, a time and a zone, such as 2026-11-27T12:00:00+03:00"),
    ])
    func whatIsWrongIsToldWithItsCure(text: String, mistake: String) {
        #expect(throws: MomentText.Mistake(text: mistake)) { try MomentText(parsing: text) }
    }
}
