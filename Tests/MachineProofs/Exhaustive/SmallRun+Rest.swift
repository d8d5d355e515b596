import ChatOutbox

@testable import ChatSync

// Rules that hold in every state, whatever led to it.
extension SmallRun {
    mutating func checkState() {
        if state.instances.count(where: { $0.isOwner || $0.zombieOwns }) > 1 { violate("two owners") }
        for me in state.instances where me.isOwner && me.isSessionAlive { checkOwner(me) }
    }

    private mutating func checkOwner(_ me: SmallInstance) {
        let machine = me.machine
        guard machine.ownership.isOurs else { return violate("an owner does not know that it is one") }
        let isAsked = machine.view.question != nil
        if isAsked, !me.isAsking { violate("it waits for an answer that nobody owes") }
        if !isAsked, me.isAsking { violate("it does not wait for the answer to its question") }
        checkSleep(me)
        checkRest(me)
        checkUnknownRows(me)
    }

    /// What the machine believes of its sleep is so.
    private mutating func checkSleep(_ me: SmallInstance) {
        let isWaking = me.statements.contains(.wakeUp)
        switch me.machine.ownership {
        case .ours(.asleep):
            if !me.holdsSleep || isWaking { violate("it believes to be asleep, and producers are silent") }
        case .ours(.covered):
            if !me.isCovered, !me.coverHasEnded { violate("it believes to be covered, and is not") }
        case .ours(.awaitingProducers): if me.watches.isEmpty { violate("it awaits producers whom nobody watches") }
        case .ours(.awake), .notOurs: break
        }
    }

    /// Nothing is on its way to the machine: then nothing may be left to do.
    private mutating func checkRest(_ me: SmallInstance) {
        let isAtRest =
            !me.isAsking && me.statements.isEmpty && me.requests.isEmpty && me.writes.isEmpty && me.timer == nil
            && !me.isWoken && !me.coverHasEnded && me.watches.isEmpty
        guard isAtRest, !state.database.isPaused else { return }
        if !me.machine.ownership.hears { violate("at rest, and awake: nobody will look again") }
        if me.machine.rows.unwritten > 0 { violate("at rest, with results that are not written") }
        if state.database.rows.contains(where: { $0.phase == .pending }) { violate("at rest, with pending rows") }
    }

    /// An owner that does not look by itself knows of each due row, or will be told.
    private mutating func checkUnknownRows(_ me: SmallInstance) {
        let machine = me.machine
        guard machine.ownership.hears, !me.isAsking, !me.isWoken, !me.coverHasEnded, !machine.view.isReadNeeded,
            me.timer.map({ $0 > .zero }) ?? true, machine.ownership != .ours(.awaitingProducers),
            // It knows that it has to look, once the answer comes for which it waits.
            machine.view.nextDue.map({ $0 > .zero }) ?? true
        else { return }
        for id in world.ids where state.database[id].isDue && machine.rows[id] == nil {
            // It was put off, and the machine knows that some row is due later: its clock may be late by one slow answer.
            if state.database[id].attempts > 0, machine.view.nextDue != nil { continue }
            // It was read with another type in mind, and the next look is for both.
            if let read = machine.view.contextType, read != world.row(id).contextType { continue }
            violate("it does not know of row \(id), which is due, and nothing will tell it")
        }
    }
}
