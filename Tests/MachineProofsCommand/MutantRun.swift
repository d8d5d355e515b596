import Glibc

/// Breaks the decisions on purpose, one mutant at a time, and says which proof notices.
struct MutantRun {
    /// Only the mutants whose names contain one of these, separated by commas.
    let only: String?
    /// Of so many parts of the list, which one, from 1 on.
    var part = (1, of: 1)
    /// Who is to notice, in this order.
    var contents: [MutantPackage.Contents] = [.units, .proofs]
    /// Of simulated time for the long proof.
    var hours = 300
    /// For the exhaustive proof.
    var states = 200_000
    /// Where it is built; `nil`: in a temporary folder, which is removed.
    let folder: String?

    init(only: String?, folder: String?) {
        self.only = only
        self.folder = folder
    }

    /// How a proof of a mutant ended.
    enum Verdict {
        case passed
        case broken
        /// It is no Swift.
        case notBuilt
        case crashed
        case timedOut
    }

    /// What became of a mutant.
    private struct Result {
        var mutant: Mutant
        /// The proof that noticed it, or the last one.
        var proof = ""
        var verdict = Verdict.passed
        /// That this proof took.
        var seconds = 0.0

        var isKilled: Bool { verdict != .passed && verdict != .notBuilt }
        var text: String { isKilled ? "\(proof) \(verdict) in \(Int(seconds * 10) / 10) s" : "SURVIVED" }
    }

    /// The files that are broken, as they are.
    private var originals: [String: String] = [:]

    /// - Returns: whether all mutants were killed, but for those that are explained.
    mutating func run() -> Bool {
        do {
            let folder = try folder ?? Self.temporaryFolder()
            let packages = contents.map {
                MutantPackage(repository: ".", folder: "\(folder)/\($0)", contents: $0)
            }
            defer { if self.folder == nil { try? MutantPackage.remove(folder) } }
            return try run(in: packages)
        } catch let failure as ChildProcess.Failure {
            print(failure.message)
        } catch {
            print("\(error)")
        }
        return false
    }

    private static func temporaryFolder() throws -> String {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var name = Array("\(parent)/mutants-XXXXXX".utf8CString)
        guard mkdtemp(&name) != nil else { throw ChildProcess.Failure(message: "no temporary folder in \(parent)") }
        return String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private mutating func run(in packages: [MutantPackage]) throws -> Bool {
        let words = only.map { $0.split(separator: ",") }
        let chosen = Mutant.all.filter { mutant in words.map { $0.contains { mutant.name.contains($0) } } ?? true }
        let mutants = chosen.indices.filter { $0 % part.of == part.0 - 1 }.map { chosen[$0] }
        for package in packages {
            try package.make()
            // The whole list, so that what an earlier run left broken in the folder is mended.
            for file in Set(Mutant.all.map(\.file)) {
                originals[file] = try package.original(file)
                try package.put(originals[file] ?? "", in: file)
            }
        }
        guard areInOrder(Mutant.all), !mutants.isEmpty else { return false }
        for package in packages { try proveUnbroken(package) }
        var results: [Result] = []
        for mutant in mutants { results.append(try test(mutant, packages)) }
        return conclude(results)
    }

    private func proveUnbroken(_ package: MutantPackage) throws {
        try package.build()
        for proof in proofs(in: package) {
            let time = try ContinuousClock().measure {
                guard try prove(proof, in: package, atMost: .seconds(900)) == .passed else {
                    throw ChildProcess.Failure(message: "unbroken, and yet: \(package.output())")
                }
            }
            print("unbroken: \(proof[0]) \(Self.line(package.output())), \(Self.text(time))")
            fflush(nil)
        }
    }

    /// Whether each mutant can be made, and is there once.
    private func areInOrder(_ mutants: [Mutant]) -> Bool {
        var isRight = !mutants.isEmpty
        var names: Set<String> = []
        for mutant in mutants {
            if !names.insert(mutant.name).inserted {
                print("\(mutant.name): there are two")
                isRight = false
            }
            if mutant.applied(to: originals[mutant.file] ?? "") == nil {
                print("\(mutant.name): its text is not exactly once in \(mutant.file)")
                isRight = false
            }
        }
        for name in Mutant.explained.keys where !Mutant.all.contains(where: { $0.name == name }) {
            print("\(name): it is explained, and is no mutant")
            isRight = false
        }
        return isRight
    }

    private func proofs(in package: MutantPackage) -> [[String]] {
        switch package.contents {
        case .units: [[Self.units]]
        case .proofs: [["long", "--hours", "\(hours)"], ["exhaustive", "--states", "\(states)"]]
        }
    }

    private static let units = "units"

    private func prove(_ proof: [String], in package: MutantPackage, atMost limit: Duration) throws -> Verdict {
        let isUnits = package.contents == .units
        return switch try isUnits ? package.test(atMost: limit) : package.prove(proof, atMost: limit) {
        case .exited(0): .passed
        case .exited(1): .broken
        case .exited, .killed: .crashed
        case .timedOut: .timedOut
        }
    }

    /// The proofs are built only where the unit tests notice nothing.
    private func test(_ mutant: Mutant, _ packages: [MutantPackage]) throws -> Result {
        var result = Result(mutant: mutant)
        var last = ""
        for package in packages where !result.isKilled && result.verdict != .notBuilt {
            try test(mutant, package, &result)
            last = Self.line(package.output())
        }
        print("\(mutant.name): \(result.text), \(last)")
        fflush(nil)
        return result
    }

    private func test(_ mutant: Mutant, _ package: MutantPackage, _ result: inout Result) throws {
        let original = originals[mutant.file] ?? ""
        try package.put(mutant.applied(to: original) ?? original, in: mutant.file)
        defer { try? package.put(original, in: mutant.file) }
        do { try package.build() } catch let failure as ChildProcess.Failure {
            print("\(mutant.name): \(failure.message)")
            return result.verdict = .notBuilt
        }
        for proof in proofs(in: package) where !result.isKilled {
            let time = try ContinuousClock().measure {
                result.verdict = try prove(proof, in: package, atMost: Self.limit)
            }
            result.proof = proof[0]
            result.seconds = time / .seconds(1)
        }
    }

    /// The unbroken proofs take a fraction of it.
    private static let limit = Duration.seconds(90)

    private static func line(_ output: String) -> String {
        String(output.split(separator: "\n").last?.prefix(160) ?? "")
    }

    private static func text(_ time: Duration) -> String { "\(Int(time / .milliseconds(100)) / 10) s" }

    /// The table at the end.
    private func conclude(_ results: [Result]) -> Bool {
        let killed = results.filter(\.isKilled)
        let survivors = results.filter { $0.verdict == .passed }
        let unbuilt = results.filter { $0.verdict == .notBuilt }
        let seconds = killed.map(\.seconds).sorted()
        func count(_ proof: String) -> Int { killed.count { $0.proof == proof && $0.verdict == .broken } }
        print("\n\(results.count) mutants")
        print("  killed by the long proof        \(count("long"))")
        print("  killed by the exhaustive proof  \(count("exhaustive"))")
        print("  killed by the unit tests        \(count(Self.units))")
        print("  killed by a trap or a time-out  \(killed.count { $0.verdict != .broken })")
        print("  survived                        \(survivors.count)")
        if !seconds.isEmpty { print("  median seconds to kill          \(seconds[seconds.count / 2])") }
        for result in survivors {
            print("  \(result.mutant.name): \(Mutant.explained[result.mutant.name] ?? "SURVIVED, and nobody says why")")
        }
        for result in killed where Mutant.explained[result.mutant.name] != nil {
            print("  \(result.mutant.name) is explained, and was killed")
        }
        for result in unbuilt { print("  \(result.mutant.name) cannot be built") }
        return unbuilt.isEmpty && survivors.allSatisfy { Mutant.explained[$0.mutant.name] != nil }
    }
}
