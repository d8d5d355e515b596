import Foundation
import MachineProofs

/// The value after an option, if it is there.
func value(of option: String) -> String? {
    guard let index = CommandLine.arguments.firstIndex(of: option) else { return nil }
    return CommandLine.arguments.dropFirst(index + 1).first
}

func number(_ option: String, or other: Int) -> Int { value(of: option).flatMap { Int($0) } ?? other }

/// - Returns: whether no rule was broken.
func exhaustive() async -> Bool {
    let name = value(of: "--world")
    let worlds = ExhaustiveProof.worlds.filter { name == nil || $0.name == name }
    guard !worlds.isEmpty else {
        print("unknown world; there are: \(ExhaustiveProof.worlds.map(\.name).joined(separator: ", "))")
        return false
    }
    var (states, seconds, violations) = (0, 0.0, 0)
    for world in worlds {
        let report = await ExhaustiveProof.run(
            world: world, maxStates: number("--states", or: 200_000) / worlds.count,
            deadline: value(of: "--seconds").flatMap { Int($0) }.map { .seconds($0) },
            threads: number("--threads", or: 2), livenessShare: number("--liveness", or: 256))
        print(report)
        states += report.states
        seconds += report.seconds
        violations += report.violations.count
    }
    print("\(states) states in \(Int(seconds)) s, \(violations) violations")
    return violations == 0
}

/// What ``MutantRun`` starts.
func short() async {
    if CommandLine.arguments.contains("long") {
        await ShortProof.long(hours: Double(number("--hours", or: 300)))
    } else {
        await ShortProof.exhaustive(states: number("--states", or: 200_000))
    }
}

/// - Returns: whether no rule was broken.
func long() async -> Bool {
    let report = await LongProof.run(
        hours: Double(number("--hours", or: 1000)), firstSeed: UInt64(number("--seed", or: 1)),
        threads: number("--threads", or: 2))
    for violation in report.violations { print(violation) }
    print(report.text)
    return report.violations.isEmpty
}

/// All that happens in one world.
func trace() -> Bool {
    let numbers = CommandLine.arguments.dropFirst(2).compactMap { UInt64($0) }
    guard let seed = numbers.first else { return false }
    let report = LongProof.world(seed: seed, business: numbers.dropFirst().first.map { Int($0) }) { print($0) }
    for violation in report.violations { print(violation) }
    return report.violations.isEmpty
}

switch CommandLine.arguments.dropFirst().first {
case "long": if await !long() { exit(1) }
case "trace": if !trace() { exit(1) }
case "exhaustive": if await !exhaustive() { exit(1) }
case "mutants":
    var run = MutantRun(only: value(of: "--only"), folder: value(of: "--folder"))
    run.hours = number("--hours", or: run.hours)
    run.states = number("--states", or: run.states)
    if let only = value(of: "--with").flatMap({ MutantPackage.Contents(rawValue: $0) }) { run.contents = [only] }
    if let part = value(of: "--part")?.split(separator: "/").compactMap({ Int($0) }), part.count == 2, part[1] > 0 {
        run.part = (part[0], of: part[1])
    }
    if !run.run() { exit(1) }
case "short": await short()
default:
    print("usage: machine-proofs exhaustive [--states N] [--world NAME] [--threads N] [--seconds N] [--liveness N]")
    print("       machine-proofs long [--hours N] [--seed N] [--threads N]")
    print("       machine-proofs trace SEED [BUSINESS]")
    print(
        "       machine-proofs mutants [--only NAME,…] [--hours H] [--states N] [--part K/N] [--with units|proofs] [--folder PATH]"
    )
}
