import Glibc
import Harness
import Subprocess
import TestSupport
import Testing

@testable import MarketChatdDemo
@testable import MarketSandbox

/// `market-chatd-demo` as a user runs it: the built program, in a pipe.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct DemoTests {
    private static let outputLimit = 1 << 20

    @Test func theQuickDemoHoldsAndLeavesNothingBehind() async throws {
        let result = try await Subprocess.run(
            Self.demo("--quick", "--orders", "16"), output: .string(limit: Self.outputLimit),
            error: .string(limit: Self.outputLimit))
        let output = result.standardOutput
        #expect(result.terminationStatus == .exited(0), "\(output)\(result.standardError)")
        #expect(output.contains("every order and return is settled (16 of 16)"))
        #expect(output.contains("All of it holds"))
        #expect(!output.contains("\u{1B}"), "no escape codes in a pipe")
        let directory = try #require(Self.directory(in: output))
        #expect(access(directory, F_OK) != 0)
        #expect(Self.processes(naming: directory).isEmpty)
    }

    @Test(arguments: [(Signal.terminate, CInt(143)), (.kill, 137)])
    func anEarlyEndLeavesNothingBehind(signal: Signal, shellCode: CInt) async throws {
        let result = try await Subprocess.run(
            Self.demo("--quick"), input: .none, output: .sequence, error: .discarded
        ) { execution in
            var directory: String?
            var isSent = false
            for try await line in execution.standardOutput.strings() {
                directory = directory ?? Self.directory(in: line)
                // The daemon has settled something, so everything runs.
                guard !isSent, line.contains("settled"), !line.contains(" 0 settled") else { continue }
                isSent = true
                try execution.send(signal: signal)
            }
            return directory
        }
        #expect(Self.shellCode(result.terminationStatus) == shellCode)
        let directory = try #require(result.closureResult)
        // After a kill -9 it is the reaper of the cluster and the kernel who clean up, a moment later.
        let watch = Stopwatch()
        while access(directory, F_OK) == 0 || !Self.processes(naming: directory).isEmpty {
            try #require(watch.elapsed < .seconds(20), "\(directory) or a process of it is left")
            try await Waits.pause(.milliseconds(20))
        }
    }

    @Test(arguments: [["--orders", "0"], ["--seed", "x"], ["--nonsense"]])
    func aMistakeOnTheCommandLineIsUsage(arguments: [String]) async throws {
        let result = try await Subprocess.run(
            Self.demo(arguments), output: .discarded, error: .string(limit: Self.outputLimit))
        #expect(result.terminationStatus == .exited(64))
        #expect(result.standardError.contains("Error:"))
    }

    @Test func aMissingDaemonIsNamedWithItsCure() async throws {
        let result = try await Subprocess.run(
            Self.demo("--daemon", "/nowhere/market-chatd"), output: .string(limit: Self.outputLimit),
            error: .string(limit: Self.outputLimit))
        #expect(result.terminationStatus == .exited(1))
        #expect(result.standardError.contains("--daemon /nowhere/market-chatd"))
        #expect(result.standardOutput.isEmpty, "nothing was started for it")
    }

    private static func demo(_ arguments: String...) -> Configuration { demo(arguments) }

    /// The program is where the build puts all of them: beside the tests.
    private static func demo(_ arguments: [String]) -> Configuration {
        Configuration(
            executable: .name("env"),
            arguments: Arguments([ProcessTable.ownDirectory + "/market-chatd-demo"] + arguments))
    }

    /// The cluster's directory, as the demonstration has told it.
    private static func directory(in output: String) -> String? {
        output.split(whereSeparator: \.isWhitespace).first { $0.hasPrefix("/tmp/private-pg-") }.map(String.init)
    }

    /// The processes whose command line names this directory: the daemon, the server, and whoever watches it.
    private static func processes(naming directory: String) -> [pid_t] {
        ProcessTable.processes.filter { process in
            (try? TextFile.read("/proc/\(process)/cmdline"))?.contains(directory) == true
        }
    }

    private static func shellCode(_ status: TerminationStatus) -> CInt {
        switch status {
        case .exited(let code): code
        case .signaled(let signal): 128 + signal
        }
    }
}

/// The checks at the end of the demonstration: they notice what they are for.
@Suite(.concurrencyLimited) struct DemoCheckTests {
    private let traffic = Traffic(
        DemoSettings(orders: 40, seed: 3, daemonPath: nil, pace: .quick))

    /// What everybody would say if all went well.
    private var verification: Verification {
        var market = SandboxState()
        var rows: [FinalRow] = []
        for (index, row) in traffic.lasting.enumerated() {
            let chatID = row.outcome == .created ? Int64(index) + 1 : nil
            let error = chatID == nil ? "404" : ""
            rows.append(
                FinalRow(
                    context: row.context, isInShop: true, chatID: chatID, error: error,
                    state: chatID == nil ? "rejected" : "created", outboxChatID: chatID, attempts: 0, lastError: error))
            market.contexts.append(
                SandboxState.Context(
                    businessID: row.context.businessID, kind: row.context.kind, id: row.context.id, chatID: chatID,
                    requests: 1, arrivals: []))
        }
        return Verification(traffic: traffic, rows: rows, market: market)
    }

    /// The numbers of the checks that do not hold.
    private func failures(_ spoil: (inout Verification) throws -> Void) rethrows -> [Int] {
        var verification = verification
        try spoil(&verification)
        return verification.checks().indices.filter { !verification.checks()[$0].holds }
    }

    private func first(_ outcome: ShopRow.Outcome, in verification: Verification) throws -> Int {
        let context = try #require(traffic.rows.first { $0.outcome == outcome }).context
        return try #require(verification.rows.firstIndex { $0.context == context })
    }

    @Test func allOfThemHoldWhereAllWentWell() {
        #expect(failures { _ in } == [])
    }

    @Test func aRowThatIsStillDueIsNoticed() throws {
        #expect(
            try failures { verification in
                let index = try first(.created, in: verification)
                verification.rows[index].state = "pending"
            } == [0, 1], "an answer that was lost is no disagreement")
    }

    @Test func aKnownOrderThatIsRejectedIsNoticed() throws {
        #expect(
            try failures { verification in
                let index = try first(.created, in: verification)
                verification.rows[index].state = "rejected"
                verification.market.contexts[index].chatID = nil
            } == [1])
    }

    @Test func anUnknownOrderWithoutAReasonIsNoticed() throws {
        #expect(try failures { $0.rows[try first(.rejected, in: $0)].error = "" } == [2])
    }

    @Test func aChatIDThatDiffersIsNoticed() throws {
        #expect(try failures { $0.rows[try first(.created, in: $0)].chatID = 4711 } == [3])
        #expect(try failures { $0.rows[try first(.created, in: $0)].chatID = nil } == [3])
        #expect(try failures { $0.market.contexts[try first(.rejected, in: $0)].chatID = 4711 } == [3])
    }

    @Test func aTraceOfWhatWasRolledBackIsNoticed() throws {
        #expect(
            try failures { verification in
                let row = try #require(traffic.rows.first { $0.outcome == .nothing })
                verification.market.contexts[0].businessID = row.context.businessID
                verification.market.contexts[0].kind = row.context.kind
                verification.market.contexts[0].id = row.context.id
                verification.market.contexts[0].chatID = verification.rows[0].chatID
            }.contains(4))
    }

    @Test func theMarketsComplaintsAreNoticed() {
        var business = SandboxState.Business(id: 1001)
        business.quotaRefusals = 1
        #expect(failures { $0.market.businesses = [business] } == [5])
        business.quotaRefusals = 0
        business.maxInFlight = 3
        #expect(failures { $0.market.businesses = [business] } == [6])
        #expect(failures { $0.market.redirectsFollowed = 1 } == [7])
    }
}
