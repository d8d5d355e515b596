import ChatOutbox
import TestSupport
import Testing

@testable import ChatSync

/// Results come in any order, and what is remembered of a business is what was learned last.
@Suite(.concurrencyLimited) struct KnownBusinessTests {
    private func known(at seconds: Double, hold: String? = nil, remaining: Int = 900) -> KnownBusiness {
        var record = BusinessRecord(businessID: 11)
        record.hold = hold.map { BusinessRecord.Hold(reason: $0, endsIn: .seconds(300)) }
        record.quota = BusinessRecord.Quota(limit: 1000, remaining: remaining, resetsIn: .seconds(3000))
        return KnownBusiness(record: record, recordedAt: .at(seconds), owner: nil)
    }

    @Test func whatWasLearnedEarlierOverwritesNothing() {
        let last = known(at: 10, hold: "authorization: 401")
        let earlier = known(at: 9, remaining: 901)
        #expect(!earlier.isNews(after: last, now: .at(20)))
        #expect(!earlier.hasOtherQuota(than: last))
        var kept: [Int64: KnownBusiness] = [11: last]
        kept.keep(earlier)
        #expect(kept[11]?.record(now: .at(10)).hold?.reason == "authorization: 401")
        let later = known(at: 11, remaining: 899)
        #expect(later.isNews(after: last, now: .at(11)), "the hold is over")
        kept.keep(later)
        #expect(kept[11]?.record(now: .at(11)).hold == nil)
    }

    @Test func aRestOfTheQuotaAloneWaitsForItsPause() {
        let (last, next) = (known(at: 10), known(at: 11, remaining: 899))
        #expect(!next.isNews(after: last, now: .at(11)) && next.hasOtherQuota(than: last))
        #expect(next.isNews(after: last, now: .at(12)))
        #expect(!known(at: 11).hasOtherQuota(than: last))
    }
}
