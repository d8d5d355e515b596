import Glibc
import TestSupport
import Testing

@testable import MarketChatd

/// Answers are written at once and whole, or it is said why not.
@Suite(.concurrencyLimited) struct StandardOutputTests {
    @Test func aFullDiskIsAProblem() {
        let descriptor = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(descriptor) }
        let output = StandardOutput(descriptor: descriptor)
        output.write("business 11: 2 due\n")
        #expect(output.problem == "the answer cannot be written: No space left on device")
    }

    @Test func aReaderThatHasEnoughIsNone() {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        close(ends[0])
        defer { close(ends[1]) }
        let output = StandardOutput(descriptor: ends[1])
        output.write("a line for head -1\n")
        #expect(output.problem == nil)
    }

    @Test func aLineIsThereWhenItWasWritten() {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        defer { for end in ends { close(end) } }
        StandardOutput(descriptor: ends[1]).write("a line\n")
        var bytes = [UInt8](repeating: 0, count: 16)
        #expect(read(ends[0], &bytes, bytes.count) == 7)
    }
}
