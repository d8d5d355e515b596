import LibPQ
import TestSupport
import Testing

@Suite(.concurrencyLimited, .timeLimit(.minutes(10))) struct QueryTests {
    @Test func valuesComeBackAsTheyWent() async throws {
        let connection = try await connect()
        let text = "naïve 💬 'quoted' \\ \n"
        let rows = try await connection.query(
            PostgresStatement(
                """
                SELECT $1::int2 AS small, $2::int4 AS medium, $3::int8 AS large, $4::bool AS flag,
                  $5::text AS words, $6::text AS nothing, $7::int8[] AS list, $8::text[] AS texts
                """,
                [
                    .int16(.min), .int32(.max), .int64(.min), .bool(true), .text(text),
                    .text(nil), .int64Array([1, nil, .max]), .textArray(["a", nil, ""]),
                ]))
        let row = try #require(rows.first)
        #expect(try row.decode("small", as: Int16.self) == .min)
        #expect(try row.decode("medium", as: Int32.self) == .max)
        #expect(try row.decode("large", as: Int64.self) == .min)
        #expect(try row.decode("flag", as: Bool.self))
        #expect(try row.decode("words", as: String.self) == text)
        #expect(try row.decode("nothing", as: String?.self) == nil)
        await connection.close()
    }

    @Test func arraysAreUnnestedInOrder() async throws {
        let connection = try await connect()
        let rows = try await connection.query(
            PostgresStatement(
                "SELECT a, b, c, d FROM unnest($1::int8[], $2::text[], $3::int4[], $4::bool[]) AS t (a, b, c, d)",
                [
                    .int64Array([1, 2, nil]), .textArray(["x", nil, "z"]), .int32Array([7, 8, 9]),
                    .boolArray([true, nil, false]),
                ]))
        #expect(try rows.map { try $0.decode("a", as: Int64?.self) } == [1, 2, nil])
        #expect(try rows.map { try $0.decode("b", as: String?.self) } == ["x", nil, "z"])
        #expect(try rows.map { try $0.decode("c", as: Int.self) } == [7, 8, 9])
        #expect(try rows.map { try $0.decode("d", as: Bool?.self) } == [true, nil, false])
        let none = try await connection.query(
            PostgresStatement("SELECT a FROM unnest($1::int8[]) AS t (a)", [.int64Array([])]))
        #expect(none.isEmpty)
        await connection.close()
    }

    @Test func aValueOfAnotherTypeIsAnErrorAndNoTrap() async throws {
        let connection = try await connect()
        let rows = try await connection.query(
            PostgresStatement(
                "SELECT 70000::int8 AS large, NULL::int8 AS nothing, 'x'::text AS words, 1.5::numeric AS n"))
        let row = try #require(rows.first)
        for attempt in [
            { try row.decode("large", as: Int16.self) as Any }, { try row.decode("nothing", as: Int64.self) },
            { try row.decode("words", as: Int64.self) }, { try row.decode("n", as: Int64.self) },
            { try row.decode("missing", as: Int64.self) }, { try row.decode("large", as: String.self) },
        ] {
            #expect(throws: PostgresError.self) { _ = try attempt() }
        }
        await connection.close()
    }

    @Test func whatATriggerAdvisesIsToldWithinBounds() async throws {
        let connection = try await connect()
        let error = await failure { () async throws(PostgresError) in
            try await connection.execute(
                script: "DO $$ BEGIN RAISE 'no' USING HINT = 'ask Ann', DETAIL = 'why'; END $$")
        }
        #expect(error?.message == "no (SQLSTATE P0001)")
        #expect(error?.advised == "no (SQLSTATE P0001); hint: ask Ann")
        #expect(error?.server?.text(limit: 100) == "no (why); hint: ask Ann")
        let long = await failure { () async throws(PostgresError) in
            try await connection.execute(
                script: "DO $$ BEGIN RAISE USING MESSAGE = repeat('m', 5000), HINT = repeat('h', 5000); END $$")
        }
        let text = try #require(long?.server?.text(limit: 90))
        #expect(text == String(repeating: "m", count: 57) + "...; hint: " + String(repeating: "h", count: 19) + "...")
        #expect(text.count == 90 && (long?.advised.count ?? 0) < 5400)
        await connection.close()
    }

    @Test func aFailingRequestLeavesItsNeighboursAlone() async throws {
        let connection = try await connect()
        async let before = connection.query(PostgresStatement("SELECT 1 AS one"))
        async let failing = failure { () async throws(PostgresError) in
            try await connection.query(PostgresStatement("SELECT 1/0"))
        }
        async let after = connection.query(PostgresStatement("SELECT 2 AS two"))
        #expect(try await before[0].decode("one", as: Int.self) == 1)
        #expect(await failing?.sqlState == "22012")
        #expect(await failing?.isConnectionLost == false)
        #expect(try await after[0].decode("two", as: Int.self) == 2)
        await connection.close()
    }

    @Test(arguments: ["08001", "08006", "57P01", "57P02", "57P03"])
    func aCodeThatAStatementRaisesDoesNotEndTheConnection(_ code: String) async throws {
        let connection = try await connect()
        let error = await failure { () async throws(PostgresError) in
            try await connection.query(PostgresStatement("DO $$ BEGIN RAISE 'no' USING ERRCODE = '\(code)'; END $$"))
        }
        #expect(error?.sqlState?.rawValue == code)
        #expect(error?.isConnectionLost == false)
        _ = try await connection.query(PostgresStatement("SELECT 1"))
        await connection.close()
    }

    @Test func aPipelineIsAllOrNothing() async throws {
        let connection = try await connect()
        _ = try await connection.query(PostgresStatement("CREATE TEMP TABLE t (x int8 PRIMARY KEY)"))
        let error = await failure { () async throws(PostgresError) in
            try await connection.pipeline([
                PostgresStatement("INSERT INTO t VALUES ($1)", [.int64(1)]),
                PostgresStatement("INSERT INTO t VALUES ($1)", [.int64(1)]),
                PostgresStatement("INSERT INTO t VALUES ($1)", [.int64(2)]),
            ])
        }
        #expect(error?.sqlState == "23505")
        let count = try await connection.query(PostgresStatement("SELECT count(*) AS n FROM t"))
        #expect(try count[0].decode("n", as: Int.self) == 0)
        let rows = try await connection.pipeline([
            PostgresStatement("INSERT INTO t SELECT generate_series(1, 5)"),
            PostgresStatement("SELECT x FROM t ORDER BY x"),
        ])
        #expect(rows[0].affectedRows == 5)
        #expect(try rows[1].map { try $0.decode("x", as: Int.self) } == [1, 2, 3, 4, 5])
        await connection.close()
    }

    @Test func preparedStatementsSurviveFailuresEvictionAndChangedTables() async throws {
        let connection = try await connect()
        _ = try await connection.query(PostgresStatement("CREATE TEMP TABLE t (x int8)"))
        for round in 0..<3 {
            for number in 0..<80 {
                let rows = try await connection.query(
                    PostgresStatement("SELECT $1::int8 + \(number) AS n", [.int64(Int64(round))], isPrepared: true))
                #expect(try rows[0].decode("n", as: Int.self) == round + number)
            }
        }
        let wrong = PostgresStatement("SELECT nonsense FROM nowhere", isPrepared: true)
        for _ in 0..<2 {
            let error = await failure { () async throws(PostgresError) in try await connection.query(wrong) }
            #expect(error?.sqlState == .undefinedTable)
        }
        let all = PostgresStatement("SELECT * FROM t", isPrepared: true)
        _ = try await connection.query(all)
        _ = try await connection.query(PostgresStatement("ALTER TABLE t ADD y int8"))
        let error = await failure { () async throws(PostgresError) in try await connection.query(all) }
        #expect(error?.sqlState == .featureNotSupported)
        _ = try await connection.query(all)
        let left = try await connection.query(PostgresStatement("SELECT count(*) AS n FROM pg_prepared_statements"))
        #expect(try left[0].decode("n", as: Int.self) <= 66)
        await connection.close()
    }

    @Test func manyCallersShareOneConnection() async throws {
        let connection = try await connect()
        try await withThrowingTaskGroup { group in
            for number in 0..<500 {
                group.addTask {
                    let rows = try await connection.query(
                        PostgresStatement("SELECT $1::int8 AS n", [.int64(Int64(number))], isPrepared: true))
                    #expect(try rows[0].decode("n", as: Int.self) == number)
                }
            }
            try await group.waitForAll()
        }
        await connection.close()
    }

    @Test func largeValuesGoBothWays() async throws {
        let connection = try await connect()
        let large = String(repeating: "0123456789abcdef", count: 500_000)
        async let first = connection.query(PostgresStatement("SELECT $1::text AS t", [.text(large)]))
        async let second = connection.query(PostgresStatement("SELECT $1::text AS t", [.text(large)]))
        #expect(try await first[0].decode("t", as: String.self) == large)
        #expect(try await second[0].decode("t", as: String.self) == large)
        await connection.close()
    }

    @Test func scriptsAndRequestsTakeTurns() async throws {
        let connection = try await connect()
        _ = try await connection.query(PostgresStatement("CREATE TEMP TABLE s (x int8)"))
        // In whichever order.
        async let before = connection.query(PostgresStatement("SELECT 1 AS n"))
        async let script: Void = connection.execute(
            script: "INSERT INTO s VALUES (1); INSERT INTO s VALUES (2); SELECT * FROM s;")
        async let after = connection.query(PostgresStatement("SELECT count(*) AS n FROM s"))
        #expect(try await before[0].decode("n", as: Int.self) == 1)
        try await script
        #expect(try await [0, 2].contains(after[0].decode("n", as: Int.self)))
        let error = await failure { () async throws(PostgresError) in
            try await connection.execute(script: "INSERT INTO s VALUES (3); SELECT 1/0; INSERT INTO s VALUES (4)")
        }
        #expect(error?.sqlState == "22012")
        let count = try await connection.query(PostgresStatement("SELECT count(*) AS n FROM s"))
        #expect(try count[0].decode("n", as: Int.self) == 2)
        await connection.close()
    }
}
