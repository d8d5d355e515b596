import TestSupport
import Testing

@testable import ChatSync

@Suite(.concurrencyLimited) struct BackoffTests {
    @Test func aStepDoublesUpToTheLongestAndAtLeastHalfOfItIsWaited() {
        let backoff = Backoff(base: .seconds(2), max: .seconds(900))
        let steps: [Int64] = [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
        for (attempts, step) in steps.enumerated() {
            #expect(backoff.delay(attempts: attempts, random: 0) == .milliseconds(step * 500))
            #expect(backoff.delay(attempts: attempts, random: 0.5) == .milliseconds(step * 750))
        }
        #expect(backoff.delay(attempts: .max, random: 0) == .seconds(450))
        #expect(Backoff(base: .seconds(9), max: .seconds(3)).delay(attempts: 5, random: 0) == .milliseconds(1500))
    }
}
