import ChatOutbox

/// Takes the lines of a file into the outbox, batch by batch, each in a transaction of its own: so it can be stopped at any
/// moment, and begun again.
struct FileEnqueuing {
    /// Rows of a transaction. A producer of one of these orders waits for its end, some 50 ms.
    private static let batchRows = 1000
    /// Rows are not kept waiting for more lines for longer.
    private static let patienceMilliseconds: Int32 = 50
    /// So many businesses are looked at afterwards.
    private static let businessLimit = 20

    private let desk: OperatorDesk
    private let file: InputFile
    private let defaults: EnqueueFileFormat.Defaults
    private let progress: ProgressLine
    private var format: EnqueueFileFormat?
    private var batch: [(line: Int, row: OperatorSession.NewRow)] = []
    /// Of this batch.
    private var mistakes: [EnqueueReport.Mistake] = []
    private var lineNumber = 0
    /// Of the file: so far its lines are in, about.
    private var bytesTaken = 0
    private(set) var report = EnqueueReport()
    private(set) var businesses: Set<Int64> = []

    init(desk: OperatorDesk, file: InputFile, defaults: EnqueueFileFormat.Defaults) {
        self.desk = desk
        self.file = file
        self.defaults = defaults
        progress = ProgressLine("lines", environment: desk.environment)
    }

    mutating func run() async throws(CommandFailure) {
        defer { progress.end() }
        do throws(CommandFailure) {
            try await readAll()
        } catch {
            guard report.lines > 0 else { throw error }
            let done =
                "\(counted(report.lines, "line")) of \(file.name) had been done (\(report.inserted) new): the same"
            throw CommandFailure(
                error.status, error.messages + ["\(done) command again goes on, and enqueues nothing twice"])
        }
        if format == nil {
            throw CommandFailure(
                .usage, ["\(file.name) is empty: its first line has to be a header such as context_type,context_id"])
        }
    }

    private mutating func readAll() async throws(CommandFailure) {
        var splitter = LineSplitter()
        while let chunk = try nextChunk() {
            let lines = splitter.add(chunk)
            for (index, line) in lines.enumerated() {
                bytesTaken = file.bytesRead - chunk.count * (lines.count - 1 - index) / lines.count
                try await take(line)
            }
            // A pipe that says nothing for a while keeps nothing back.
            if !file.isReady(withinMilliseconds: Self.patienceMilliseconds) { try await flush() }
        }
        if let line = splitter.end() { try await take(line) }
        try await flush()
    }

    private func nextChunk() throws(CommandFailure) -> [UInt8]? {
        do {
            return try file.next()
        } catch {
            throw CommandFailure(.failed, ["\(file.name) \(error)"])
        }
    }

    private mutating func take(_ line: LineSplitter.Line) async throws(CommandFailure) {
        lineNumber += 1
        guard let format else {
            self.format = try header(line)
            return
        }
        do throws(EnqueueFileFormat.Mistake) {
            guard case .text(let bytes) = line else {
                throw EnqueueFileFormat.Mistake(text: "is longer than \(LineSplitter.limitBytes) bytes")
            }
            guard let row = try format.row(bytes) else { return }
            batch.append((lineNumber, row))
        } catch {
            mistakes.append(EnqueueReport.Mistake(line: lineNumber, text: error.text))
        }
        if batch.count + mistakes.count >= Self.batchRows { try await flush() }
    }

    private func header(_ line: LineSplitter.Line) throws(CommandFailure) -> EnqueueFileFormat {
        do throws(EnqueueFileFormat.Mistake) {
            guard case .text(let bytes) = line else {
                throw EnqueueFileFormat.Mistake(
                    text: "its first line, which has to be the header, is longer than \(LineSplitter.limitBytes) bytes")
            }
            return try EnqueueFileFormat(header: bytes, defaults: defaults)
        } catch {
            throw CommandFailure(.usage, ["\(file.name) cannot be used: \(error.text)"])
        }
    }

    private mutating func flush() async throws(CommandFailure) {
        let (batch, rows) = (batch, batch.map(\.row))
        let lines = batch.count + mistakes.count
        if !rows.isEmpty {
            let session = desk.session
            let done = try await desk.asking { () async throws(OperatorError) in try await session.enqueue(rows) }
            report.inserted += done.inserted
            report.existing += rows.count - done.inserted - done.refused.count
            mistakes += done.refused.map { .init(line: batch[$0.position].line, text: "was refused: \($0.reason)") }
            for row in rows where businesses.count < Self.businessLimit { businesses.insert(row.businessID) }
        }
        report.lines += lines
        for mistake in mistakes.sorted(by: { $0.line < $1.line }) { tell(mistake) }
        mistakes = []
        self.batch = []
        progress.show(
            part: file.size.map { $0 == 0 ? 1 : Double(bytesTaken) / Double($0) }, count: report.lines)
    }

    private mutating func tell(_ mistake: EnqueueReport.Mistake) {
        report.add(mistake)
        guard report.bad <= EnqueueReport.toldMistakes else { return }
        progress.end()
        desk.warn("line \(mistake.line) \(printable(mistake.text, limit: 400))")
    }
}
