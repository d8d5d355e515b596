import ChatOutbox
import MarketAPI

@testable import ChatSync

extension SmallRun {
    mutating func take(_ step: SmallStep) {
        switch step {
        case .reply(let index, let id): answer(index, id, reply(to: id))
        case .giveUp(let index, let id): answer(index, id, MarketReply(answer: .failed(.timedOut)))
        case .refuseQuota(let index, let id): refuseQuota(index, id)
        case .insert(let id):
            let sleeps = state.instances.contains { $0.holdsSleep || $0.zombieSleeps }
            let isQueued = state.instances.contains { $0.watches.contains(where: \.isQueued) }
            state.database[id].phase = .open(notifies: sleeps || isQueued || state.database.neighbourSleeps)
        case .commitRow(let id):
            let isLoud = state.database[id].phase == .open(notifies: true)
            state.database[id].phase = .pending
            state.database[id].due = .zero
            if isLoud { notify() }
        case .mend: state.database.isMended = true
        case .pause:
            state.faults.pauses -= 1
            state.database.isPaused.toggle()
            notify()
        case .wakeNeighbour:
            state.database.neighbourSleeps = false
            for index in 0...1 where state[index].isCovered {
                state[index].isCovered = false
                state[index].coverHasEnded = true
            }
        case .jump(let time): jump(time)
        case .claim(let index), .carryOut(let index), .tell(let index), .failStatement(let index), .commit(let index),
            .commitApart(let index), .tellOutcome(let index, _), .wake(let index), .endCover(let index),
            .queueWatch(let index), .endWatch(let index), .fireTimer(let index), .noticeDeath(let index),
            .endZombie(let index), .crash(let index), .die(let index), .loseSession(let index), .poll(let index),
            .changeKeys(let index), .loseReply(let index, _):
            var me = state[index]
            take(step, &me)
            state[index] = me
        }
    }

    private mutating func take(_ step: SmallStep, _ me: inout SmallInstance) {
        switch step {
        case .claim:
            me.isOwner = true
            tell(&me, .owned(state.database.memory.record(isPaused: state.database.isPaused)))
        case .carryOut: carryOut(&me)
        case .tell: tellAnswer(&me)
        case .failStatement:
            state.faults.failedStatements -= 1
            me.statements.removeFirst()
            // A lock that was tried before stays.
            me.triedSleep = nil
            tell(&me, .askFailed)
        case .commit: commit(&me)
        case .commitApart: commitApart(&me)
        case .tellOutcome(_, let id): tellOutcome(&me, id)
        case .wake:
            me.isWoken = false
            tell(&me, .woken)
        case .endCover:
            me.coverHasEnded = false
            tell(&me, .coverEnded)
        case .queueWatch:
            if let first = me.watches.firstIndex(where: { !$0.isQueued }) { me.watches[first].isQueued = true }
        case .endWatch:
            if let first = me.watches.firstIndex(where: \.isQueued) { me.watches.remove(at: first) }
            tell(&me, .producersEnded)
        case .fireTimer:
            me.timer = nil
            tell(&me, .timer)
        case .loseReply(_, let id):
            state.faults.lostReplies -= 1
            if let found = me.requests.firstIndex(where: { $0.rowID == id }) {
                me.requests[found].lostUntil = .zero + SmallWorld.requestTimeout
            }
        default: takeFault(step, &me)
        }
    }

    private mutating func takeFault(_ step: SmallStep, _ me: inout SmallInstance) {
        switch step {
        case .crash:
            state.faults.crashes -= 1
            me = SmallInstance(world)
        case .die:
            state.faults.deaths -= 1
            me.freeLocks()
            me.forgetSession()
            me.isSessionAlive = false
        case .noticeDeath:
            me.isSessionAlive = true
            // What the machine asked since was asked of the dead session.
            me.forgetSession()
            tell(&me, .lost)
        case .loseSession:
            state.faults.zombies -= 1
            (me.zombieOwns, me.zombieSleeps) = (me.isOwner, me.holdsSleep)
            me.freeLocks()
            me.forgetSession()
            tell(&me, .lost)
        case .endZombie: (me.zombieOwns, me.zombieSleeps) = (false, false)
        case .poll:
            state.faults.polls -= 1
            tell(&me, .polled(state.database.poll))
        case .changeKeys:
            state.faults.keyChanges -= 1
            tell(&me, .keysChanged)
        default: break
        }
    }

    private mutating func refuseQuota(_ index: Int, _ id: Int64) {
        // The last one does not say until when.
        let isBlind = state.faults.quotas == 1
        state.faults.quotas -= 1
        let problem = MarketProblem(code: "420", message: "Hit rate limit of 1000 requests per hour")
        let quota = isBlind ? nil : QuotaHeaders(limit: 1000, remaining: 0, resetsIn: .seconds(20), until: 1)
        answer(index, id, MarketReply(answer: .httpError(status: 420, problem: problem), quota: quota))
    }

    private mutating func notify() {
        for index in 0...1 where state[index].isSessionAlive { state[index].isWoken = true }
    }

    private mutating func jump(_ time: Duration) {
        if !state.urgentSteps().isEmpty { state.faults.slowAnswers -= 1 }
        state.database.elapse(time)
        for index in 0...1 {
            var me = state[index]
            me.elapse(time)
            state[index] = me
        }
    }

    // MARK: The session

    private mutating func carryOut(_ me: inout SmallInstance) {
        let database = state.database
        switch me.statements.first {
        case .wakeUp: (me.holdsSleep, me.isCovered) = (false, false)
        case .read(let read): me.answer = .read(database.look(world, read))
        case .sample(let contextType, let excluding, let limit):
            me.answer = .sampled(
                database.sample(world, contextType: contextType, excluding: excluding, limit: limit))
        case .sleep(let read):
            guard let sleep = me.triedSleep else { return tryToSleep(&me) }
            me.answer = .slept(database.look(world, read), sleep)
            me.triedSleep = nil
        case nil: return
        }
        me.statements.removeFirst()
    }

    /// First the lock, then the look.
    private func tryToSleep(_ me: inout SmallInstance) {
        let others = state.instances.contains { $0.zombieSleeps } || state.database.neighbourSleeps
        if me.holdsSleep {
            me.triedSleep = .asleep
        } else if others {
            me.triedSleep = .covered
            me.isCovered = true
        } else if state.database.hasSilentProducers {
            me.triedSleep = .producersAreOpen
        } else {
            me.triedSleep = .asleep
            me.holdsSleep = true
        }
    }

    private mutating func tellAnswer(_ me: inout SmallInstance) {
        guard let answer = me.answer else { return }
        me.answer = nil
        switch answer {
        case .read(let found): tell(&me, .read(found))
        case .sampled(let rows): tell(&me, .sampled(rows))
        case .slept(let found, let sleep): tell(&me, .fellAsleep(found, sleep))
        }
    }

    // MARK: Results

    /// All that wait in one transaction; where one is refused, all of the business are.
    private mutating func commit(_ me: inout SmallInstance) {
        let waiting = me.writes.indices.filter { !me.writes[$0].isApart && me.writes[$0].outcome == nil }
        let isRefused = waiting.contains { state.database.refuses(me.writes[$0].result, world) }
        for index in waiting {
            me.writes[index].outcome =
                isRefused ? .refused(error: "trigger") : state.database.settle(me.writes[index].result)
        }
        if !isRefused, let memory = waiting.compactMap({ me.writes[$0].memory }).last, me.isOwner {
            state.database.memory = memory
        }
        for index in waiting { me.writes[index].memory = nil }
    }

    private mutating func commitApart(_ me: inout SmallInstance) {
        for index in me.writes.indices where me.writes[index].isApart && me.writes[index].outcome == nil {
            let isRefused = state.database.refuses(me.writes[index].result, world)
            me.writes[index].outcome =
                isRefused ? .refused(error: "trigger") : state.database.settle(me.writes[index].result)
        }
    }

    private mutating func tellOutcome(_ me: inout SmallInstance, _ id: Int64) {
        guard let found = me.writes.firstIndex(where: { $0.result.rowID == id }), let outcome = me.writes[found].outcome
        else { return }
        me.writes.remove(at: found)
        switch outcome {
        case .written, .notPending: me.kept &= ~SmallInstance.bit(id)
        case .refused: break
        }
        tell(&me, .wrote(rowID: id, outcome))
    }
}
