import Testing

@testable import MarketChatd

@Suite struct DurationTextTests {
    static let rough: [(Duration, String)] = [
        (.zero, "0 s"), (.milliseconds(-5), "0 s"), (.seconds(119), "119 s"), (.seconds(120), "2 min"),
        (.seconds(7199), "119 min"), (.seconds(7200), "2 h"), (.seconds(7260), "2 h 1 min"), (.seconds(172_800), "2 d"),
    ]

    @Test(arguments: rough) func aDurationIsToldInOneOrTwoUnits(duration: Duration, text: String) {
        #expect(DurationText.rough(duration) == text)
    }

    static let exact: [(Duration, String)] = [
        (.zero, "0"), (.milliseconds(1), "1ms"), (.milliseconds(1500), "1500ms"), (.milliseconds(60_001), "60001ms"),
        (.seconds(1), "1s"), (.seconds(61), "61s"), (.seconds(60), "1m"), (.seconds(5400), "90m"),
        (.seconds(7200), "2h"), (.seconds(86_400), "1d"), (.seconds(90_000), "25h"), (.seconds(-60), "-1m"),
    ]

    @Test(arguments: exact) func aDurationIsWrittenInTheLargestUnitThatDividesIt(duration: Duration, text: String) {
        #expect(DurationText.exact(duration) == text)
        #expect(duration < .zero || DurationText.parse(text) == duration)
    }
}
