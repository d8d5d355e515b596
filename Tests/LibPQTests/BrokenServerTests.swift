import Harness
import LibPQ
import TestSupport
import Testing

/// No answer of a server, or of a pooler before it, may trap or hang.
@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct BrokenServerTests {
    private static let one =
        FakeServer.parsed + FakeServer.bound + FakeServer.description([Array("n".utf8)], type: 25)
        + FakeServer.row([[65]]) + FakeServer.completed("SELECT 1")

    enum Answer: CaseIterable {
        case none, oneOfTwo, oneMore, anotherMore, garbage

        var bytes: [UInt8] {
            switch self {
            case .none: FakeServer.ready
            case .oneOfTwo: one + FakeServer.ready
            case .oneMore: one + one + one + FakeServer.ready
            case .anotherMore: one + one + FakeServer.completed("SELECT 1") + FakeServer.ready
            case .garbage: Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)
            }
        }
    }

    @Test(arguments: Answer.allCases) func answersThatDoNotFitCostTheConnection(_ answer: Answer) async throws {
        let server = FakeServer { answer.bytes }
        let connection = try await server.connect()
        let error = await failure { () async throws(PostgresError) in
            try await connection.pipeline([PostgresStatement("SELECT 1"), PostgresStatement("SELECT 2")])
        }
        #expect(error?.kind == .connectionLost, "\(String(describing: error))")
        let later = await failure { () async throws(PostgresError) in
            try await connection.query(PostgresStatement("SELECT 1"))
        }
        #expect(later?.kind == .connectionLost)
        server.stop()
    }

    @Test func aQueryWithoutAnAnswerDoesNotTrap() async throws {
        let server = FakeServer { FakeServer.ready }
        let connection = try await server.connect()
        let error = await failure { () async throws(PostgresError) in
            try await connection.query(PostgresStatement("SELECT 1"))
        }
        #expect(error?.kind == .connectionLost)
        server.stop()
    }

    @Test func strangeValuesAreValuesOrErrors() async throws {
        let server = FakeServer {
            FakeServer.parsed + FakeServer.bound + FakeServer.description([[255, 254], []], type: 20)
                + FakeServer.row([[], nil]) + FakeServer.row([[1], [255, 255, 255, 255, 255, 255, 255, 255]])
                + FakeServer.completed("UPDATE 99999999999999999999999") + FakeServer.ready
        }
        let connection = try await server.connect()
        let rows = try await connection.query(PostgresStatement("SELECT 1"))
        #expect(rows.count == 2 && rows.affectedRows == 0)
        #expect(try rows[0].decode("", as: Int?.self) == nil)
        #expect(try rows[1].decode("", as: Int.self) == -1)
        for row in rows {
            #expect(throws: PostgresError.self) { _ = try row.decode("\u{FFFD}\u{FFFD}", as: Int.self) }
        }
        await connection.close()
        server.stop()
    }

    @Test(arguments: 0..<60 as Range<UInt64>) func anyOrderOfMessagesEndsEachCall(_ seed: UInt64) async throws {
        var random = SplitMix64(seed: seed)
        let column = [Array("n".utf8)]
        let messages = [
            FakeServer.parsed, FakeServer.bound, FakeServer.ready, FakeServer.completed("SELECT x"),
            FakeServer.completed(""), FakeServer.description(column, type: 23), FakeServer.description([], type: 0),
            FakeServer.row([[0, 0, 0, 1]]), FakeServer.row([nil]), FakeServer.row([]), FakeServer.message("n", []),
            FakeServer.message("I", []), FakeServer.message("s", []), FakeServer.message("A", [0, 0, 0, 1, 255, 0, 0]),
            FakeServer.message("E", Array("SERROR\0C08001\0Mno\0\0".utf8)), FakeServer.message("E", [0]),
            FakeServer.message("G", [0, 0, 0]), FakeServer.message("Z", Array("E".utf8)), Self.one,
        ]
        let answer = (0..<8).flatMap { _ in messages.randomElement(using: &random) ?? [] } + FakeServer.ready
        let server = FakeServer { answer }
        let connection = try await server.connect()
        await withTaskGroup { group in
            for number in 0..<6 {
                let statement = PostgresStatement("SELECT 1", isPrepared: number % 2 == 0)
                group.addTask {
                    guard let answers = try? await connection.pipeline([statement, statement]) else { return }
                    #expect(answers.count == 2)
                    for row in answers.joined() { _ = try? row.decode("n", as: Int.self) }
                }
            }
            group.addTask { try? await connection.execute(script: "SELECT 1") }
        }
        await connection.close()
        server.stop()
    }
}
