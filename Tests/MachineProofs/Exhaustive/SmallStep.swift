import ChatOutbox
import MarketAPI

@testable import ChatSync

/// What may happen next.
enum SmallStep: Sendable, Hashable {
    case claim(Int)
    case carryOut(Int)
    case tell(Int)
    case failStatement(Int)
    case reply(Int, Int64)
    case loseReply(Int, Int64)
    case refuseQuota(Int, Int64)
    case giveUp(Int, Int64)
    case commit(Int)
    case commitApart(Int)
    case tellOutcome(Int, Int64)
    case wake(Int)
    case endCover(Int)
    case queueWatch(Int)
    case endWatch(Int)
    case fireTimer(Int)
    case noticeDeath(Int)
    case endZombie(Int)
    case crash(Int)
    case die(Int)
    case loseSession(Int)
    case poll(Int)
    case changeKeys(Int)
    case insert(Int64)
    case commitRow(Int64)
    case mend
    case pause
    case wakeNeighbour
    case jump(Duration)
}

extension SmallState {
    /// What happens by itself before any time passes.
    func urgentSteps() -> [SmallStep] {
        var steps: [SmallStep] = []
        for index in 0...1 {
            urgentSteps(index, &steps)
            // The other is the same.
            if first === second { break }
        }
        return steps
    }

    private func urgentSteps(_ index: Int, _ steps: inout [SmallStep]) {
        let box = index == 0 ? first : second
        let other = index == 0 ? second : first
        let me = box.instance
        if !me.isSessionAlive {
            steps.append(.noticeDeath(index))
        } else {
            let isVacant = !me.isOwner && !me.zombieOwns && !other.instance.isOwner && !other.instance.zombieOwns
            if isVacant { steps.append(.claim(index)) }
            if let next = me.statements.first, me.answer == nil || next == .wakeUp { steps.append(.carryOut(index)) }
            if me.answer != nil { steps.append(.tell(index)) }
            if me.writes.contains(where: { !$0.isApart && $0.outcome == nil }) { steps.append(.commit(index)) }
            if me.isWoken { steps.append(.wake(index)) }
            // Told on the same connection: after an answer that was given before, but maybe between lock and look.
            if me.coverHasEnded, me.answer == nil { steps.append(.endCover(index)) }
        }
        if me.writes.contains(where: { $0.isApart && $0.outcome == nil }) { steps.append(.commitApart(index)) }
        if let write = me.writes.first(where: { $0.outcome != nil }) {
            steps.append(.tellOutcome(index, write.result.rowID))
        }
        for request in me.requests {
            guard let until = request.lostUntil else {
                steps.append(.reply(index, request.rowID))
                continue
            }
            if until <= .zero { steps.append(.giveUp(index, request.rowID)) }
        }
        for watch in me.watches {
            if !watch.isQueued {
                steps.append(.queueWatch(index))
                break
            }
            if !database.hasSilentProducers || watch.limit <= .zero {
                steps.append(.endWatch(index))
                break
            }
        }
        if let timer = me.timer, timer <= .zero { steps.append(.fireTimer(index)) }
    }

    /// What happens sooner or later, at any time.
    func slowSteps(_ world: SmallWorld) -> [SmallStep] {
        var steps: [SmallStep] = []
        for index in 0...1 where self[index].zombieOwns || self[index].zombieSleeps { steps.append(.endZombie(index)) }
        for id in world.ids {
            if case .open = database[id].phase { steps.append(.commitRow(id)) }
        }
        return steps
    }

    /// What may happen or not.
    func optionalSteps(_ world: SmallWorld) -> [SmallStep] {
        var steps: [SmallStep] = []
        for id in world.ids where database[id].phase == .absent {
            steps.append(.insert(id))
            // The late ones in their order.
            break
        }
        if !database.isMended, world.rows.contains(where: { $0.fate == .unwritable }) { steps.append(.mend) }
        if database.neighbourSleeps { steps.append(.wakeNeighbour) }
        if faults.pauses > 0 { steps.append(.pause) }
        for index in 0...1 {
            faultySteps(index, &steps)
            if first === second { break }
        }
        return steps
    }

    private func faultySteps(_ index: Int, _ steps: inout [SmallStep]) {
        let me = self[index]
        if faults.crashes > 0, me.isOwner || !me.requests.isEmpty || !me.writes.isEmpty { steps.append(.crash(index)) }
        let hasWork = me.isOwner || !me.writes.isEmpty
        if faults.deaths > 0, me.isSessionAlive, hasWork { steps.append(.die(index)) }
        if faults.zombies > 0, me.isSessionAlive, me.isOwner { steps.append(.loseSession(index)) }
        if faults.failedStatements > 0, me.isSessionAlive, me.answer == nil, let next = me.statements.first,
            next != .wakeUp
        {
            steps.append(.failStatement(index))
        }
        for request in me.requests where request.lostUntil == nil {
            if faults.lostReplies > 0 { steps.append(.loseReply(index, request.rowID)) }
            if faults.quotas > 0 { steps.append(.refuseQuota(index, request.rowID)) }
        }
        if faults.polls > 0, me.isSessionAlive, me.isOwner { steps.append(.poll(index)) }
        if faults.keyChanges > 0, me.isOwner { steps.append(.changeKeys(index)) }
    }

    /// How far the next moment is at which something is bound to happen.
    var nextJump: Duration? {
        (first.instance.nextMoments + second.instance.nextMoments).min().map { $0 - .zero }
    }

    /// Everything that may happen next.
    func steps(_ world: SmallWorld) -> [SmallStep] {
        let urgent = urgentSteps()
        var steps = urgent + slowSteps(world) + optionalSteps(world)
        if let jump = nextJump, urgent.isEmpty || isSlowJumpAllowed(urgent, jump) { steps.append(.jump(jump)) }
        return steps
    }

    /// While the database or the Market are slow.
    private func isSlowJumpAllowed(_ urgent: [SmallStep], _ jump: Duration) -> Bool {
        guard faults.slowAnswers > 0, jump <= .seconds(10) else { return false }
        return urgent.allSatisfy { step in
            switch step {
            case .carryOut, .tell, .reply, .commit, .commitApart: true
            default: false
            }
        }
    }
}
