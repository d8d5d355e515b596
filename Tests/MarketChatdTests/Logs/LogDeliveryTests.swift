import Glibc
import Logging
import TestSupport
import Testing

@testable import MarketChatd

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct LogDeliveryTests {
    @Test func aNativeMessageHasItsFields() async throws {
        let journal = try DatagramReceiver()
        let (reader, writer) = try makePipe()
        defer { closeAll(reader, writer) }
        let output = LogOutput.journal(path: journal.path, fallback: LineWriter(descriptor: writer))
        output.write(
            LogRecord(
                level: .notice, message: "Chat created",
                metadata: ["outbox.id": "12", "chat.id": "34", "text": "two\nlines", "_hidden": "1", "message": "no"]))
        let datagram = try #require(await journal.receive())
        let fields = try #require(JournalReading.fields(of: datagram))
        #expect(fields["MESSAGE"]?.hasPrefix("Chat created _hidden=1 chat.id=34 message=no") == true)
        #expect(fields["PRIORITY"] == "5")
        #expect(fields["SYSLOG_IDENTIFIER"] == "market-chatd")
        #expect(fields["OUTBOX_ID"] == "12")
        #expect(fields["CHAT_ID"] == "34")
        #expect(fields["TEXT"] == "two\nlines")
        #expect(fields["CHATD__HIDDEN"] == "1")
        #expect(fields["CHATD_MESSAGE"] == "no")
        #expect(fields.count == 8)
    }

    @Test func withoutAJournalLinesWithPrioritiesGoToStandardError() async throws {
        let (reader, writer) = try makePipe()
        defer { closeAll(reader, writer) }
        let output = LogOutput.journal(path: "/nonexistent/socket", fallback: LineWriter(descriptor: writer))
        output.write(LogRecord(level: .error, message: "Held", metadata: ["business.id": "1"]))
        #expect(await readSome(reader) == "<3>Held business.id=1\n")
    }

    @Test func aDatagramIsBounded() throws {
        let long = String(repeating: "😀\n", count: 5000)
        let metadata = Dictionary(
            uniqueKeysWithValues: (0..<50).map { ("key\($0)", Logger.MetadataValue.string(long)) })
        let datagram = JournalProtocol.datagram(
            for: LogRecord(level: .info, message: "m", metadata: ["a": .string(long)]), identifier: "x")
        #expect(datagram.count < JournalProtocol.longestDatagram)
        #expect(JournalReading.fields(of: datagram)?["A"]?.hasPrefix("😀\n") == true)
        let huge = JournalProtocol.datagram(
            for: LogRecord(level: .info, message: "m", metadata: metadata), identifier: "x")
        #expect(huge.count <= JournalProtocol.longestDatagram)
        let fields = try #require(JournalReading.fields(of: huge))
        #expect(fields["MESSAGE"]?.hasPrefix("m key0=") == true)
        #expect(fields["PRIORITY"] == "6" && fields["SYSLOG_IDENTIFIER"] == "x")
        #expect(fields["KEY0"]?.hasPrefix("😀\n") == true, "there is room for fields beside a long message")
    }

    static let names: [(String, String)] = [
        ("outbox.id", "OUTBOX_ID"), ("trace-id", "TRACE_ID"), ("9lives", "CHATD_9LIVES"), ("", "CHATD_"),
        ("message", "CHATD_MESSAGE"), ("message.id", "CHATD_MESSAGE_ID"), ("priority", "CHATD_PRIORITY"),
        ("syslog.pid", "CHATD_SYSLOG_PID"), ("unit", "CHATD_UNIT"), ("é", "CHATD___"),
    ]

    @Test(arguments: names) func aKeyBecomesAFieldNameThatTheJournalKeeps(key: String, name: String) {
        #expect(JournalProtocol.fieldName(for: key) == name)
        #expect(JournalProtocol.fieldName(for: String(repeating: key + "x", count: 99)).utf8.count <= 64)
    }

    @Test func aReaderThatDoesNotReadStopsNothingAndIsToldWhatItMissed() async throws {
        let (reader, writer) = try makePipe()
        defer { closeAll(reader, writer) }
        let lines = LineWriter(descriptor: writer)
        let line = String(repeating: "x", count: 999) + "\n"
        let clock = ContinuousClock()
        // A pipe holds 64 KiB; what does not fit is dropped, after one wait, not after one for each line.
        let taken = clock.measure { for _ in 0..<500 { lines.write(line) } }
        #expect(taken < .seconds(5))
        var text = ""
        while let part = await readSome(reader, within: .zero) { text += part }
        #expect(text.utf8.count < 70_000)
        lines.write("after\n")
        let rest = try #require(await readSome(reader))
        #expect(rest.contains("log lines were dropped, since nobody read them)\n"))
        #expect(rest.hasSuffix("after\n"))
    }

    @Test func aJournalThatWasFrozenIsToldWhatItMissed() async throws {
        let journal = try DatagramReceiver()
        let (reader, writer) = try makePipe()
        defer { closeAll(reader, writer) }
        let output = LogOutput.journal(path: journal.path, fallback: LineWriter(descriptor: writer))
        let record = LogRecord(level: .info, message: String(repeating: "x", count: 900))
        // More than the socket and the pipe hold together.
        for _ in 0..<1000 { output.write(record) }
        var came = 0
        while await journal.receive(within: .zero) != nil { came += 1 }
        var text = ""
        while let part = await readSome(reader, within: .zero) { text += part }
        came += text.split(separator: "\n").count
        #expect(came < 1000)
        output.write(record)
        _ = await journal.receive()
        let notice = try #require(await journal.receive().flatMap(JournalReading.fields(of:)))
        #expect(notice["PRIORITY"] == "4")
        #expect(notice["MESSAGE"] == "(\(1000 - came) log lines were dropped, since nobody read them)")
    }

    @Test func aReaderThatIsGoneIsNoError() throws {
        signal(SIGPIPE, SIG_IGN)
        let (reader, writer) = try makePipe()
        close(reader)
        defer { close(writer) }
        let lines = LineWriter(descriptor: writer)
        for _ in 0..<3 { lines.write("nobody\n") }
        var dropped = 0
        lines.tellOfDrops { count in
            dropped = count
            return true
        }
        #expect(dropped == 0, "nobody is to be told of them")
    }

    @Test func theJournalIsRecognisedByDeviceAndInode() throws {
        let (reader, writer) = try makePipe()
        defer { closeAll(reader, writer) }
        var facts = stat()
        #expect(fstat(writer, &facts) == 0)
        #expect(LogOutput.isJournalStream("\(facts.st_dev):\(facts.st_ino)", descriptor: writer))
        #expect(!LogOutput.isJournalStream("\(facts.st_dev):\(facts.st_ino + 1)", descriptor: writer))
        for text in [nil, "", ":", "a:b", "1:2:3", "-1:2"] {
            #expect(!LogOutput.isJournalStream(text, descriptor: writer))
        }
    }
}

/// Reads the journal's native protocol, independently of what writes it.
enum JournalReading {
    static func fields(of datagram: [UInt8]) -> [String: String]? {
        var fields: [String: String] = [:]
        var rest = datagram[...]
        while !rest.isEmpty {
            guard let end = rest.firstIndex(where: { $0 == UInt8(ascii: "=") || $0 == UInt8(ascii: "\n") }) else {
                return nil
            }
            let name = String(decoding: rest[..<end], as: UTF8.self)
            let value: ArraySlice<UInt8>
            if rest[end] == UInt8(ascii: "=") {
                guard let stop = rest[end...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                value = rest[(end + 1)..<stop]
                rest = rest[(stop + 1)...]
            } else {
                guard rest.count >= end - rest.startIndex + 9 else { return nil }
                let length = rest[(end + 1)..<(end + 9)].reversed().reduce(0) { $0 << 8 | Int($1) }
                let stop = end + 9 + length
                guard stop < rest.endIndex, rest[stop] == UInt8(ascii: "\n") else { return nil }
                value = rest[(end + 9)..<stop]
                rest = rest[(stop + 1)...]
            }
            fields[name] = String(decoding: value, as: UTF8.self)
        }
        return fields
    }
}
