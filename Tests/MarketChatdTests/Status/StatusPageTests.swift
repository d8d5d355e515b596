import ChatOutbox
import Glibc
import TestSupport
import Testing

@testable import ChatSync
@testable import MarketChatd

/// The page: nothing from outside becomes markup, it stays small, and it says what it has to in words.
@Suite(.concurrencyLimited) struct StatusPageTests {
    private static let hostile = [
        "<script>alert(1)</script>", "</title></style><img src=x onerror=alert(1)>", "\" onmouseover=\"alert(1)",
        "' autofocus onfocus='alert(1)", "&lt;b&gt;&amp;", "\u{202E}evil\u{202C}",
        "\u{2066}\u{2069}\u{0}\u{7}\u{1B}[31m",
        "{{mustache}} ${shell} $(reboot) `x`", "<!--", "]]>", "javascript:alert(1)", "\u{FEFF}\u{200B}",
    ]

    private static func business(_ businessID: Int64, _ change: (inout BusinessStatus) -> Void = { _ in })
        -> BusinessStatus
    {
        var business = BusinessStatus(businessID: businessID)
        business.isOwned = true
        change(&business)
        return business
    }

    private static func report(
        _ businesses: [BusinessStatus], overview: OutboxOverview? = nil,
        database: EngineStatus.Database = .connected, host: String = "shop1", readProblem: String? = nil
    ) -> StatusReport {
        StatusReport(
            engine: EngineStatus(
                phase: .running, database: database, businesses: businesses, isMakingProgress: true,
                databaseFor: .seconds(64)),
            databasePart: .init(overview: overview, age: overview.map { _ in .seconds(3) }, problem: readProblem),
            listed: businesses.map(\.businessID), host: host, now: WallTime(seconds: 1_788_966_000))
    }

    private static func hostileReport(_ text: String) -> StatusReport {
        var stranger = BusinessOverview(businessID: 12)
        stranger.owner = .init(processID: 1, name: text, isStranger: true)
        let failure = FailureGroup(
            businessID: 11, httpStatus: nil, code: text, verdict: text, rows: 1, rejected: 1, rowID: 1, message: text,
            traceID: text, age: .zero)
        let chat = RecentChat(rowID: 1, businessID: 11, contextType: text, contextID: 1, chatID: 2, age: .zero)
        let overview = OutboxOverview(businesses: [stranger], failures: [failure], recentChats: [chat])
        let held = business(11) {
            $0.hold = .init(kind: .authorization, reason: "authorization: \(text)", endsIn: .zero)
        }
        return report([held], overview: overview, host: text, readProblem: text)
    }

    /// The markup of a page, without its texts: what a browser would take for elements and attributes.
    private static func markup(_ html: String) -> [String] {
        var result: [String] = []
        for part in html.split(separator: "<").dropFirst() {
            let end = part.firstIndex(of: ">") ?? part.endIndex
            // Values of attributes are whatever they are: they end at the next quotation mark.
            let pieces = part[..<end].split(separator: "\"", omittingEmptySubsequences: false)
            result.append(stride(from: 0, to: pieces.count, by: 2).map { String(pieces[$0]) }.joined(separator: "\"\""))
        }
        return result
    }

    @Test(arguments: hostile, [false, true])
    func noTextFromOutsideBecomesMarkup(text: String, showsAll: Bool) {
        let html = StatusPage(report: Self.hostileReport(text), showsAll: showsAll).html
        let harmless = StatusPage(report: Self.hostileReport("x"), showsAll: showsAll).html
        #expect(Self.markup(html) == Self.markup(harmless))
        let forbidden = html.unicodeScalars.filter { $0 != "\n" && escape(of: $0) != nil }
        #expect(forbidden.isEmpty, "controls, and what turns the direction of writing")
    }

    @Test func valuesOfAttributesEndWhereTheProgramSays() {
        var page = HTMLWriter()
        page.element("p", ["title": "\"><script>'&\u{202E}"], "x")
        #expect(page.html == "<p title=\"&quot;&gt;&lt;script&gt;&#39;&amp;\\u{202e}\">x</p>")
    }

    @Test func aDatabasesOwnWordsAreNoMarkupEither() {
        let html = StatusPage(report: Self.report([], database: .connecting(problem: "<script>x</script>"))).html
        #expect(html.contains("&lt;script&gt;x&lt;/script&gt;") && !html.contains("<script>x"))
        #expect(html.contains("The database is away since "))
    }

    @Test func nothingInlineHasToBeAllowed() {
        for text in Self.hostile {
            let html = StatusPage(report: Self.hostileReport(text)).html
            #expect(!Self.markup(html).contains { $0.contains("style=") || $0.contains(" on") })
            #expect(html.ranges(of: "<script").count == 1)
        }
    }

    private static func crowd(_ state: (Int, inout BusinessStatus) -> Void) -> StatusReport {
        let businesses = (1...1000).map { number in business(1_000_000_000 + Int64(number)) { state(number, &$0) } }
        let long = String(repeating: "Ж", count: 5000)
        let failures = (1...20).map { number in
            FailureGroup(
                businessID: 1_000_000_001, httpStatus: 500, code: long, verdict: "backoff", rows: 1_000_000,
                rejected: 0,
                rowID: .max, message: long, traceID: long, age: .seconds(number))
        }
        let hours = (0..<24).map { HourCount(hoursAgo: $0, created: 1_000_000, putOff: 99_999, rejected: 12_345) }
        let chats = (1...10).map { number in
            RecentChat(
                rowID: .max, businessID: 1_000_000_001, contextType: "RETURN", contextID: .max, chatID: .max,
                age: .seconds(number))
        }
        return report(
            businesses,
            overview: OutboxOverview(businesses: [], failures: failures, hours: hours, recentChats: chats))
    }

    @Test func aThousandCabinetsFitIntoTwentyKilobytes() {
        let calm = Self.crowd { number, business in business.due = number }
        let html = StatusPage(report: calm).html
        #expect(html.utf8.count < 20_000, "\(html.utf8.count)")
        #expect(html.contains("1000: 1000 working."))
    }

    @Test func thoseThatNeedAttentionComeFirstAndTheRestIsCounted() throws {
        let report = Self.crowd { number, business in
            if number == 700 {
                business.hold = .init(kind: .authorization, reason: "authorization: 401", endsIn: .zero)
            }
            if number == 800 { business.hold = .init(kind: .circuit, reason: "circuit", endsIn: .zero) }
            if number == 900 { business.isPaused = true }
        }
        let html = StatusPage(report: report).html
        let places = try [700, 800, 900].map { number in
            try #require(html.firstRange(of: "id=\"b\(1_000_000_000 + number)\""), "\(number)").lowerBound
        }
        #expect(places == places.sorted())
        #expect(html.contains("997 more: 997 idle."))
        #expect(html.contains("<title>key refused: 1000000700 · market-chatd on shop1</title>"))
        #expect(html.contains("2 more are not as usual."))
        let all = StatusPage(report: report, showsAll: true).html
        #expect(all.ranges(of: "<tr class=").count == 1000)
    }

    @Test func aHundredMessagesOfAThousandRefusedCabinetsStaySmall() {
        let long = String(repeating: "&", count: 5000)
        let report = Self.crowd { _, business in
            business.hold = .init(kind: .authorization, reason: "authorization: \(long)", endsIn: .seconds(9))
        }
        #expect(StatusPage(report: report).html.utf8.count < 40_000, "even where each character takes five bytes")
    }

    @Test func meaningIsInWordsAndTheStructureIsForReaders() {
        let report = Self.report(
            [
                Self.business(11) {
                    $0.hold = .init(kind: .quota, reason: "quota: used up", endsIn: .seconds(2))
                    $0.due = 12
                    $0.quota = .init(limit: 1000, remaining: 0, resetsIn: .seconds(2))
                }
            ], overview: OutboxOverview(businesses: [], hours: [HourCount(hoursAgo: 5, created: 7)]))
        let html = StatusPage(report: report).html
        let end = WallTime(seconds: 1_788_966_002).localTimeOfDay
        for words in [
            "<html lang=\"en\">", "<main", "<header", "<footer", "<h1>", "role=\"status\"", "quota used up</span>",
            "Quota: 0 of 1000 left until \(end)", "holds until \(end), quota; 12 due, done by about",
            "<th scope=\"row\">5 h ago</th><td class=\"n\">7</td>",
            "aria-label=\"Created by hour, the present hour last: 7 in all, at most 7 in an hour\"",
        ] {
            #expect(html.contains(words), "\(words)")
        }
        let headings = html.matches(of: /<h([1-6])/).compactMap { Int($0.1) }
        #expect(zip(headings, headings.dropFirst()).allSatisfy { $1 <= $0 + 1 }, "no level is left out: \(headings)")
        let ids = html.matches(of: /\ id="([^"]*)"/).map { String($0.1) }
        #expect(Set(ids).count == ids.count)
    }

    @Test func whatTheDatabaseHasNotToldIsSaidToBeUnknown() {
        let html = StatusPage(report: Self.report([Self.business(11)], readProblem: "permission denied")).html
        #expect(html.contains("The database has not told of owners"))
        #expect(html.contains("permission denied"))
        var unserved = Self.report([], readProblem: "away")
        unserved.businesses = [
            BusinessReport(
                businessID: 11, isListed: true, engine: nil, overview: nil, isConnected: false,
                now: WallTime(seconds: 1_788_966_000))
        ]
        #expect(StatusPage(report: unserved).html.contains("<div><dt>Due</dt><dd><bdi>unknown</bdi></dd></div>"))
        #expect(StatusDocument.document(unserved).text.contains(#""in_flight":null,"due":null,"#))
        #expect(!html.contains("The last 24 hours") && !html.contains("Recent chats"))
    }

    @Test func everyMemberOfTheJSONIsInTheHelp() {
        var held = Self.business(11) { $0.hold = .init(kind: .quota, reason: "quota: used up", endsIn: .seconds(2)) }
        held.quota = .init(limit: 1000, remaining: 0, resetsIn: .seconds(2))
        let failure = FailureGroup(
            businessID: 11, httpStatus: 500, code: nil, verdict: "backoff", rows: 1, rejected: 0, rowID: 1,
            message: nil, traceID: nil, age: .zero)
        let chat = RecentChat(rowID: 1, businessID: 11, contextType: "ORDER", contextID: 1, chatID: 2, age: .zero)
        let overview = OutboxOverview(
            businesses: [], failures: [failure], hours: [HourCount(hoursAgo: 5, created: 7)], recentChats: [chat])
        let text = StatusDocument.document(
            Self.report([held], overview: overview, database: .connecting(problem: "away"))
        ).text
        let names = Set(text.matches(of: /"([a-z_0-9]+)":/).map { String($0.output.1) })
        #expect(names.count > 60)
        let words = Set(StatusDocument.form.matches(of: /[a-z_0-9]+/).map { String($0.output) })
        #expect(names.subtracting(words).sorted() == [])
    }

    /// WCAG 2.2: 4.5 for texts, 3 for what is drawn; light and dark.
    @Test func coloursStandOutFromWhatIsBehindThem() throws {
        let path = Repository.path(of: "Sources/MarketChatd/Assets/status.css")
        let css = String(decoding: try FileReader.disk.contents(of: path, atMost: 1 << 20).get().bytes, as: UTF8.self)
        let schemes = css.matches(of: /:root \{([^}]*)\}/).map { scheme in
            Dictionary(
                scheme.output.1.matches(of: /--([a-z]+): #([0-9a-f]{6})/).map { (String($0.output.1), $0.output.2) },
                uniquingKeysWith: { first, _ in first })
        }
        #expect(schemes.count == 2)
        for colours in schemes {
            func contrast(_ one: String, _ other: String) throws -> Double {
                let pair = try [one, other].map { Self.luminance(of: try #require(colours[$0])) }.sorted()
                return (pair[1] + 0.05) / (pair[0] + 0.05)
            }
            for text in ["ink", "quiet", "link", "calm", "waiting", "trouble", "person"] {
                for ground in ["page", "card"] {
                    #expect(try contrast(text, ground) >= 4.5, "\(text) on \(ground)")
                }
            }
            for drawn in ["bar", "waiting", "person"] { #expect(try contrast(drawn, "page") >= 3, "\(drawn)") }
            for filled in ["bar", "trouble"] { #expect(try contrast(filled, "track") >= 3, "\(filled) on its track") }
        }
    }

    /// Relative luminance, as WCAG 2.2 defines it.
    private static func luminance(of colour: some StringProtocol) -> Double {
        let number = Int(colour, radix: 16) ?? 0
        let parts = [16, 8, 0].map { shift -> Double in
            let part = Double(number >> shift & 0xFF) / 255
            return part <= 0.04045 ? part / 12.92 : pow((part + 0.055) / 1.055, 2.4)
        }
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]
    }

    @Test func everyAssetIsThereAndNamesNoOtherHost() {
        for asset in PageAsset.allCases {
            let answer = asset.answer
            #expect(answer.code == 200 && !answer.body.isEmpty)
            let addresses = answer.body.replacing("http://www.w3.org/2000/svg", with: "")
            #expect(!addresses.contains("//") || asset == .script)
            #expect(!addresses.contains("http"))
        }
    }
}
