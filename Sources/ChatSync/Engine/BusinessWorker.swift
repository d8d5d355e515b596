import ChatOutbox
import Logging
import MarketAPI
import Synchronization

/// Carries out what the ``BusinessMachine`` of one business decides, and tells it what came of it. It decides nothing, and
/// no task of it runs while nothing happens.
actor BusinessWorker {
    nonisolated let businessID: Int64
    /// Its number among the workers, which is the key of its timer.
    nonisolated let index: Int
    nonisolated let snapshot: Mutex<WorkerSnapshot>

    private let context: EngineContext
    private let market: any MarketClient
    private let settler: Settler
    private let host: HostMonitor
    private let log: BusinessLog
    private let repeats: RepeatPermission
    private let onEnd: @Sendable (WorkerEnding) -> Void
    private var machine: BusinessMachine
    /// The session that owns the business for us.
    private var session: LiveSession?
    /// A statement that wakes up is on its way; whoever asks next waits for it, lest they overtake each other.
    private var wakingUp: WakeSignal?

    /// - Parameters:
    ///   - market: without repeats; the worker adds them.
    ///   - onEnd: told once, when all is done.
    init(
        businessID: Int64, index: Int, context: EngineContext, market: any MarketClient, settler: Settler,
        host: HostMonitor, onEnd: @escaping @Sendable (WorkerEnding) -> Void
    ) {
        self.businessID = businessID
        self.index = index
        self.context = context
        self.settler = settler
        self.host = host
        self.onEnd = onEnd
        let repeats = RepeatPermission()
        self.repeats = repeats
        self.market = Self.retrying(market, context, repeats)
        log = BusinessLog(businessID: businessID, logger: context.logger)
        machine = BusinessMachine(context.configuration.machineSettings(of: businessID))
        snapshot = Mutex(WorkerSnapshot(status: BusinessStatus(businessID: businessID), takenAt: context.clock.now))
    }

    private static func retrying<Base: MarketClient>(
        _ market: Base, _ context: EngineContext, _ repeats: RepeatPermission
    ) -> any MarketClient {
        let random = context.random
        return RetryingMarketClient(
            TimedMarketClient(base: market, clock: context.clock, timings: context.timings), clock: context.clock.base,
            random: { random.next() }, mayRetry: { _ in repeats.isGiven })
    }

    /// Something happened.
    func handle(_ event: MachineEvent) {
        let now = context.clock.now
        let commands = machine.handle(event, now: now, random: context.random)
        repeats.isGiven = machine.allowsRepeats(now: now)
        snapshot.withLock { $0 = WorkerSnapshot(status: machine.status(now: now), takenAt: now) }
        for command in commands { carryOut(command, now: now) }
    }

    private func carryOut(_ command: MachineCommand, now: Moment) {
        switch command {
        case .read(let read):
            ask {
                .read($0)
            } of: { [businessID] session async throws(OutboxError) in
                try await session.readDue(of: businessID, read)
            }
        case .sample(let contextType, let excluded, let limit):
            ask {
                .sampled($0)
            } of: { [businessID] session async throws(OutboxError) in
                try await session.sampleDue(
                    of: businessID, contextType: contextType, excluding: excluded, limit: limit)
            }
        case .fallAsleep(let read):
            ask {
                .fellAsleep($0.rows, $0.sleep)
            } of: { [businessID] session async throws(OutboxError) in
                try await session.fallAsleep(businessID, read)
            }
        case .wakeUp: wakeUp()
        case .watchProducers: watchProducers()
        case .send(let row): send(row)
        case .write(let result, let isApart): write(result, isApart: isApart, now: now)
        case .remember: remember(now: now)
        case .setTimer(let moment): context.timers.set(index, moment)
        case .reportHost(let report): host.take(report, from: index)
        case .log(let entry):
            log.write(entry)
            if case .created(let row, _) = entry { timeFromDue(row) }
        case .end(let ending): onEnd(ending)
        }
    }
}

// What takes its time.
extension BusinessWorker {
    private func ask<Answer: Sendable>(
        _ event: @escaping @Sendable (Answer) -> MachineEvent,
        of question: @escaping @Sendable (any OutboxSession) async throws(OutboxError) -> Answer
    ) {
        guard let session else { return }
        let wakingUp = wakingUp
        self.wakingUp = nil
        context.jobs.start {
            await wakingUp?.wait()
            do throws(OutboxError) {
                await self.handle(event(try await question(session.outbox)), from: session)
            } catch {
                await self.handle(error, from: session)
            }
        }
    }

    /// An answer that comes after its session was lost comes too late.
    private func handle(_ event: MachineEvent, from asked: LiveSession) {
        if session === asked { handle(event) }
    }

    private func handle(_ error: OutboxError, from asked: LiveSession) {
        guard session === asked else { return }
        if case .failed(let text) = error {
            log.statementFailed("\(asked.outbox.place): \(text)")
            handle(.askFailed)
        } else {
            lose(asked)
            asked.fail(error)
        }
    }

    /// Where the statement fails, producers notify without need, until the owner sleeps and wakes again.
    private func wakeUp() {
        guard let session else { return }
        let done = WakeSignal()
        wakingUp = done
        context.jobs.start { [businessID] in
            defer { done.signal() }
            do throws(OutboxError) {
                try await session.outbox.wakeUp(businessID)
            } catch {
                if case .failed = error { return }
                await self.handle(error, from: session)
            }
        }
    }

    private func send(_ row: DueRow) {
        guard let kind = row.kind else { return }
        let request = CreateChatRequest(
            businessID: businessID, subject: .context(ChatContext(kind: kind, id: row.contextID)))
        context.jobs.start { [market] in
            let reply = await market.createChat(request)
            await self.handle(.answered(rowID: row.id, reply))
        }
    }

    private func write(_ result: RowResult, isApart: Bool, now: Moment) {
        let settlement = Settlement(result: result, known: known(now: now))
        context.jobs.start { [settler] in
            let outcome = isApart ? await settler.settleApart(settlement) : await settler.settle(settlement)
            if let outcome { await self.handle(.wrote(rowID: result.rowID, outcome)) }
        }
    }

    /// What the next owner should know.
    private func known(now: Moment) -> KnownBusiness {
        KnownBusiness(record: machine.record(now: now), recordedAt: now, owner: session)
    }

    private func timeFromDue(_ row: DueRow) {
        // A row may be due since ever: -infinity.
        let (since, isEndless) = microsecondsSince2000().subtractingReportingOverflow(row.dueAtMicroseconds)
        if !isEndless { context.timings.add(.microseconds(since), to: \.dueToSettled) }
    }

    private func remember(now: Moment) {
        let known = known(now: now)
        context.jobs.start { [settler] in await settler.remember(known) }
    }

    /// While a producer's transaction is open nobody can fall asleep over it; PostgreSQL tells when it has ended.
    private func watchProducers() {
        if context.configuration.isOnce { return }
        let (businessID, context) = (businessID, context)
        context.jobs.start {
            let start = context.clock.now
            do throws(OutboxError) {
                try await context.outbox.waitForProducers(of: businessID, atMost: context.configuration.pollInterval)
            } catch {
                self.log.producersAreNotWatched(error.text)
                // Looked after again soon, though not at once, lest a broken database be asked in a loop.
                await context.clock.sleep(until: start + min(context.configuration.pollInterval, .seconds(1)))
            }
            await self.handle(.producersEnded)
        }
    }
}

// What others tell the worker.
extension BusinessWorker {
    /// The session became the owner of the business.
    func own(through session: LiveSession, record: BusinessRecord) {
        self.session = session
        wakingUp = nil
        handle(.owned(record))
    }

    /// The session is no more. What is in flight goes on: its answers are true, whoever owns the row.
    func lose(_ lost: LiveSession) {
        guard session === lost else { return }
        session = nil
        handle(.lost)
    }

    /// The Market's host went away, or came back.
    func hostChanged() {
        handle(.host(host.state))
    }
}

/// Whether the client may repeat a failed request at once. The worker says so after each event.
private final class RepeatPermission: Sendable {
    private let state = Atomic(true)

    var isGiven: Bool {
        get { state.load(ordering: .relaxed) }
        set { state.store(newValue, ordering: .relaxed) }
    }
}
