import ArgumentParser
import MarketSandbox
import TestSupport
import Testing

@testable import MarketSandboxCommand

@Suite(.concurrencyLimited) struct CommandTests {
    @Test(arguments: [
        ("--port 70000", "give 1 to 65535"), ("--window 5x", "write a time as 500ms, 5s, 15m or 1h"),
        ("--window 0s", "give more than 0"), ("--quota 0", "give 1 or more"), ("--parallel 0", "give 1 or more"),
        ("--parallel 2 --shared-parallel 2", "fewer than --parallel"), ("--shared-traffic fast", "requests a second"),
        ("--business abc", "begins with the cabinet's id"), ("--business 7:xyz", "'xyz' is neither a kind"),
        ("--business 7 --business 7:dbs", "named twice"), ("--key 0=KEY", "write it as 1001=KEY"),
        ("--fault-500 1.5", "not within 0 and 1"), ("--fault-500 0.6 --fault-503 0.6", "add up to more than 1"),
        ("--fault-slow often", "begins with a share"), ("--fault-slow 0.1:long", "write a time as"),
        ("--outage sometimes", "give unavailable, reset or hang"), ("--old-errors 2", "a share from 0 to 1"),
        ("--missing 0.6 --late 0.6:3", "together they are more than 1"), ("--late 0.1:0", "1 or more lookups"),
        ("--missing-id x", "begins with an id"), ("--clock-offset -5", "write a time as"),
        ("--bad order:7", "write it as"), ("--bad parcel:7:500", "write it as"), ("--bad any:9-7:500", "write it as"),
        ("--bad any:7:200", "write it as"), ("--bad any:0:500", "1 or more"),
        ("--bad any:7:503:500ms", "whole seconds"),
        ("--bad any:7:reset:8s", "a reset brings no Retry-After"), ("--bad any:7:503:25h", "within 0 and a day"),
        ("--nonsense", "Unknown option"),
    ])
    func aBadOptionExits64WithCauseAndCure(line: String, cure: String) {
        let words = line.split(separator: " ").map(String.init)
        do {
            _ = try MarketSandboxCommand.parse(words)
            Issue.record("\(line) was taken")
        } catch {
            #expect(MarketSandboxCommand.exitCode(for: error).rawValue == 64)
            let message = MarketSandboxCommand.message(for: error)
            #expect(message.contains(cure), "\(message)")
        }
    }

    @Test func optionsSayWhatTheyMean() throws {
        let line = """
            --port 8080 --seed 9 --key 1001,1002=secret --key other --scopes communication,pricing --business 1001 \
            --business 1003:dbs+express:migration --quota 60 --window 10s --parallel 3 --latency 30ms \
            --shared-traffic 0.5/s --faults 0.02 --fault-500 0.05 --fault-reset 0.04 --fault-slow 0.1:2s \
            --late 0.2:5s --missing 0.1 --missing-id 17 --missing-id 18:4 --clock-offset=-5m --outage hang \
            --bad order:1-30:403 --bad return:7:malformed --bad any:8:reset --bad any:9:503:8s
            """
        let options = try MarketSandboxCommand.parse(line.split(separator: " ").map(String.init)).options()
        #expect(options.port == 8080)
        #expect(options.seed == 9)
        let scopes = ["COMMUNICATION", "PRICING"]
        #expect(
            options.keys == [
                SandboxKey(token: "secret", businesses: [1001, 1002], scopes: scopes),
                SandboxKey(token: "other", scopes: scopes),
            ])
        #expect(
            options.businesses == [
                SandboxBusiness(id: 1001),
                SandboxBusiness(id: 1003, placements: [.dbs, .express], lockOut: .migration),
            ])
        #expect(options.quota == 60)
        #expect(options.window == .seconds(10))
        #expect(options.parallel == 3)
        #expect(options.latency == .milliseconds(30))
        #expect(options.sharedRequestsPerSecond == 0.5)
        var faults = SandboxFaults.all(share: 0.02, slowMilliseconds: 2000)
        (faults.error500, faults.resetBefore, faults.resetAfter, faults.slow) = (0.05, 0.02, 0.02, 0.1)
        #expect(options.faults == faults)
        #expect(options.missing.lateShare == 0.2)
        #expect(options.missing.lateRule == .untilElapsed(.seconds(5)))
        #expect(options.missing.ids == [17: .never, 18: .untilAsked(4)])
        #expect(options.clockOffset == .seconds(-300))
        #expect(options.outage == .hang)
        #expect(
            options.bad == [
                SandboxBadRule(1...30, .status(403), type: .order), SandboxBadRule(7...7, .malformed, type: .return),
                SandboxBadRule(8...8, .reset), SandboxBadRule(9...9, .status(503), retryAfterSeconds: 8),
            ])
    }

    @Test func noOptionIsTheVendorsOwnBehaviour() throws {
        let options = try MarketSandboxCommand.parse([]).options()
        #expect(options.quota == 1000)
        #expect(options.window == .seconds(3600))
        #expect(options.parallel == 4)
        #expect(options.serverTimeout == .seconds(10))
        #expect(options.faults == SandboxFaults())
        #expect(options.host == "127.0.0.1")
        #expect(options.keys.map(\.token) == [SandboxKey.defaultToken])
    }
}
