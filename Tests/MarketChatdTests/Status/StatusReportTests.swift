import ChatOutbox
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

/// One business in plain words, from what the engine knows and from what the database tells.
@Suite(.concurrencyLimited) struct StatusReportTests {
    /// 2026-09-09T15:00:00Z.
    private let now = WallTime(seconds: 1_788_966_000)

    private func time(_ seconds: Int64) -> String {
        WallTime(seconds: now.seconds + seconds).localTimeOfDay
    }

    private func owned(_ change: (inout BusinessStatus) -> Void = { _ in }) -> BusinessStatus {
        var business = BusinessStatus(businessID: 11)
        business.isOwned = true
        change(&business)
        return business
    }

    private func known(_ businessID: Int64 = 11, _ change: (inout BusinessOverview) -> Void = { _ in })
        -> BusinessOverview
    {
        var business = BusinessOverview(businessID: businessID)
        change(&business)
        return business
    }

    private func report(
        _ engine: BusinessStatus?, _ overview: BusinessOverview? = nil, isListed: Bool = true, isConnected: Bool = true
    ) -> BusinessReport {
        BusinessReport(
            businessID: 11, isListed: isListed, engine: engine, overview: overview, isConnected: isConnected, now: now)
    }

    private static let other = BusinessOverview.Owner(processID: 77, name: "market-chatd@b:9")

    @Test func aQuotaThatIsUsedUpSaysUntilWhenAndAboutWhenAllIsDone() {
        let report = report(
            owned {
                $0.hold = .init(kind: .quota, reason: "quota: used up", endsIn: .seconds(2))
                $0.due = 500
                $0.quota = .init(limit: 1000, remaining: 0, resetsIn: .seconds(2))
            })
        #expect(report.state == .held(.quota))
        #expect(report.urgency == .waiting)
        #expect(report.why == "this window's requests are used up")
        #expect(report.next == "holds until \(time(2)), quota; 500 due, done by about \(time(300))")
    }

    @Test func theEstimateTakesAWindowForEachThousandRows() {
        func left(due: Int, quota: BusinessRecord.Quota?, hold: BusinessStatus.Hold? = nil) -> Duration? {
            WorkForecast(
                report(
                    owned {
                        $0.due = due
                        $0.quota = quota
                        $0.hold = hold
                    })
            ).timeLeft
        }
        let fresh = BusinessRecord.Quota(limit: 1000, remaining: 1000, resetsIn: .seconds(3600))
        let nearlyGone = BusinessRecord.Quota(limit: 1000, remaining: 10, resetsIn: .seconds(60))
        let over = BusinessRecord.Quota(limit: 1000, remaining: 10, resetsIn: .zero)
        #expect(left(due: 0, quota: fresh) == nil)
        #expect(left(due: 10, quota: fresh) == .seconds(5))
        #expect(left(due: 1000, quota: nil) == .seconds(500))
        #expect(left(due: 1000, quota: over) == .seconds(500))
        #expect(left(due: 12, quota: nearlyGone) == .seconds(61))
        #expect(left(due: 1010, quota: nearlyGone) == .seconds(560))
        #expect(left(due: 2011, quota: nearlyGone) == .seconds(60 + 7200) + .milliseconds(500))
        let hold = BusinessStatus.Hold(kind: .migration, reason: "migration", endsIn: .seconds(900))
        #expect(left(due: 12, quota: nearlyGone, hold: hold) == .seconds(901))
        #expect(left(due: 2, quota: .init(limit: 0, remaining: -5, resetsIn: .seconds(1)), hold: nil) != nil)
    }

    @Test(arguments: ChatSync.Hold.Kind.allCases)
    func everyKindOfHoldHasItsWords(kind: ChatSync.Hold.Kind) {
        let report = report(
            owned {
                $0.hold = .init(kind: kind, reason: "\(kind.rawValue): as it said", endsIn: .seconds(60))
                $0.due = 3
            })
        #expect(report.state == .held(kind))
        #expect(report.state.word == "held")
        #expect(report.why.hasSuffix(": as it said"))
        #expect(report.next.contains("3 due"))
        #expect(report.urgency == .person || !kind.needsPerson)
        #expect(report.urgency > .calm)
    }

    @Test func aRefusedKeyNamesItsCure() {
        let report = report(
            owned { $0.hold = .init(kind: .authorization, reason: "authorization", endsIn: .seconds(90)) })
        #expect(report.why == "the Market refuses the API key")
        #expect(
            report.next == "one row is tried at \(time(90)); renew the key, then reload (restart, where it stands in"
                + " the environment file)")
        #expect(report.command == "systemctl reload market-chatd")
        let probing = self.report(
            owned { $0.hold = .init(kind: .authorization, reason: "authorization", endsIn: .zero) })
        #expect(probing.state == .held(.authorization), "also while it is rechecked")
        #expect(probing.next.hasPrefix("one row is tried at once"))
    }

    @Test func whatAnotherInstanceOwnsIsToldByTheDatabase() {
        let overview = known {
            $0.owner = Self.other
            $0.hold = .init(reason: "authorization: 401", endsIn: .seconds(5))
            $0.due = 4
        }
        let report = report(BusinessStatus(businessID: 11), overview)
        #expect(report.owner == .other(name: "market-chatd@b:9"))
        #expect(report.state == .held(.authorization))
        #expect(report.due == 4)
        let newer = self.report(
            nil,
            known {
                $0.owner = Self.other; $0.hold = .init(reason: "lunch", endsIn: .zero)
            })
        #expect(newer.state == .heldOtherwise)
        #expect(newer.why == "lunch")
    }

    @Test func whatNobodyOwnsIsLoudAndAnOldHoldOfItIsNot() {
        let overview = known {
            $0.hold = .init(reason: "quota", endsIn: .seconds(5))
            $0.due = 4
        }
        #expect(report(BusinessStatus(businessID: 11), overview).state == .noOwner)
        #expect(report(nil, overview, isListed: false).state == .notListed)
        let stranger = report(
            nil, known { $0.owner = .init(processID: 5, name: "psql", isStranger: true) })
        #expect(stranger.state == .blocked)
        #expect(stranger.owner.title == "a stranger, psql (server process 5)")
        #expect(stranger.next == "goes on when that session ends")
        #expect(stranger.command == "SELECT pg_terminate_backend(5)")
    }

    @Test func withoutTheDatabaseOwnersAreUnknownAndCountsStay() {
        let overview = known {
            $0.owner = Self.other
            $0.due = 4
        }
        let report = report(owned { $0.due = 9 }, overview, isConnected: false)
        #expect(report.owner == .unknown && report.state == .unknown && report.urgency == .trouble)
        #expect(report.due == 4)
    }

    @Test func theEnginesCountsGoBeforeTheDatabasesButForTheirBound() {
        let overview = known {
            $0.due = 5000
            $0.oldestDueFor = .seconds(100)
        }
        let bounded = report(
            owned {
                $0.due = 1000
                $0.dueIsAtLeast = true
            }, overview)
        #expect(bounded.due == 5000 && !bounded.dueIsAtLeast)
        let counted = report(owned { $0.due = 3 }, overview)
        #expect(counted.due == 3 && counted.oldestDueFor == .seconds(100))
        #expect(report(owned(), overview).oldestDueFor == nil)
    }

    @Test func idleAndWorkingAndPaused() {
        #expect(report(owned()).state == .idle)
        #expect(report(owned { $0.inFlight = 2 }).why == "2 in flight")
        #expect(report(owned { $0.unwritten = 2 }).state == .working)
        let later = report(
            owned(),
            known {
                $0.later = 2; $0.nextDueIn = .seconds(60)
            })
        #expect(later.next == "2 rows for later; the first at \(time(60))")
        let paused = report(
            owned {
                $0.isPaused = true; $0.due = 1
            })
        #expect(paused.state == .paused)
        #expect(paused.next == "1 due; goes on when somebody resumes it")
        #expect(paused.command == "market-chatd resume --business 11")
    }

    @Test func theReportHoldsWhatIsListedAndWhatElseHasRows() {
        let overview = OutboxOverview(
            businesses: [
                known(11) { $0.owner = Self.other }, known(5) { $0.due = 1 }, known(6),
                known(7) { $0.owner = Self.other },
            ], hours: [HourCount(hoursAgo: 3, created: 2)])
        let report = StatusReport(
            engine: nil, databasePart: .init(overview: overview, age: .zero), listed: [12, 11], host: "a", now: now)
        #expect(report.businesses.map(\.businessID) == [12, 11, 5, 7])
        #expect(report.hours.count == 24 && report.hours[3].created == 2)
        #expect(report.worst?.businessID == 5)
        #expect(report.byUrgency.map(\.businessID) == [5, 12, 11, 7])
        #expect(report.database.isConnected)
    }

    @Test func withoutEngineAndDatabaseNothingIsKnown() {
        let report = StatusReport(
            engine: nil, databasePart: .init(problem: "refused"), listed: [11], host: "a", now: now)
        #expect(!report.database.isConnected && report.database.problem == "refused")
        #expect(report.businesses.map(\.state) == [.unknown])
    }
}
