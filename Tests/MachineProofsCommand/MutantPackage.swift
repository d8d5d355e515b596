import Glibc

/// A package with no more in it than the machine and its proofs, so that it is soon built.
struct MutantPackage {
    /// Of the repository that is broken.
    let repository: String
    let folder: String
    let contents: Contents

    /// Unit tests are soon built without optimisation; proofs are soon run with it.
    enum Contents: String { case units, proofs }

    /// What is copied, from the repository's root on.
    private var parts: [String] {
        let tests =
            contents == .units
            ? ["Tests/TestSupport", "Tests/ChatSyncTests/Decisions", "Tests/ChatSyncTests/Machine"]
            : ["Sources/Harness", "Tests/MachineProofs", "Tests/MachineProofsCommand"]
        return Self.sources + tests
    }

    private static let sources = [
        "Package.resolved",
        "Sources/MarketAPI/Client", "Sources/MarketAPI/Retrying",
        "Sources/ChatOutbox/Outbox",
        "Sources/ChatSync",
    ]

    /// Warnings are allowed: what a mutant does not use any more is no mistake of ours.
    private var manifest: String { Self.head + (contents == .units ? Self.units : Self.proofs) }

    private static let head = """
        // swift-tools-version: 6.2
        import PackageDescription
        let strict: [SwiftSetting] = [
            .swiftLanguageMode(.v6),
            .enableUpcomingFeature("ExistentialAny"),
            .enableUpcomingFeature("MemberImportVisibility"),
            .enableUpcomingFeature("InternalImportsByDefault"),
        ]
        let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
        let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
        let package = Package(
            name: "mutants",
            dependencies: [
                .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
                .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
            ],
            targets: [
                .target(name: "MarketAPI", swiftSettings: strict),
                .target(name: "ChatOutbox", swiftSettings: strict),

        """

    private static let proofs = """
                .target(
                    name: "ChatSync", dependencies: ["ChatOutbox", "MarketAPI", heap, logging],
                    swiftSettings: strict + [.unsafeFlags(["-O"])]),
                .target(name: "Harness", swiftSettings: strict),
                .target(
                    name: "MachineProofs", dependencies: ["ChatOutbox", "ChatSync", "Harness", "MarketAPI", heap],
                    path: "Tests/MachineProofs", swiftSettings: strict + [.unsafeFlags(["-O"])]),
                .executableTarget(
                    name: "machine-proofs", dependencies: ["MachineProofs"], path: "Tests/MachineProofsCommand",
                    swiftSettings: strict),
            ]
        )

        """

    private static let units = """
                .target(
                    name: "ChatSync", dependencies: ["ChatOutbox", "MarketAPI", heap, logging],
                    swiftSettings: strict),
                .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
                .testTarget(
                    name: "ChatSyncTests", dependencies: ["ChatSync", "ChatOutbox", "MarketAPI", "TestSupport"],
                    swiftSettings: strict),
            ]
        )

        """

    private var log: String { "\(folder)/output.txt" }

    /// What the last program wrote.
    func output() -> String { (try? TextFile.read(log)) ?? "" }

    /// Copies the sources, as they are: what did not change since the last time is not built again.
    func make() throws {
        _ = try ChildProcess.run(["mkdir", "-p", folder], output: "/dev/null", atMost: .seconds(60))
        try run(["rm", "-rf", "\(folder)/Sources", "\(folder)/Tests"])
        for part in parts {
            let target = "\(folder)/\(part)"
            let parent = String(target[..<(target.lastIndex(of: "/") ?? target.endIndex)])
            try run(["mkdir", "-p", parent])
            try run(["cp", "-R", "--preserve=timestamps", "\(repository)/\(part)", "\(parent)/"])
        }
        try TextFile.write(manifest, to: "\(folder)/Package.swift")
    }

    static func remove(_ folder: String) throws {
        _ = try ChildProcess.run(["rm", "-rf", folder], output: "/dev/null", atMost: .seconds(60))
    }

    private func run(_ arguments: [String]) throws {
        let ending = try ChildProcess.run(arguments, output: log, atMost: .seconds(60))
        guard ending == .exited(0) else {
            throw ChildProcess.Failure(message: "\(arguments.joined(separator: " ")): \(ending)\n\(output())")
        }
    }

    /// A file of ChatSync, as it is in the repository.
    func original(_ file: String) throws -> String { try TextFile.read("\(repository)/Sources/ChatSync/\(file)") }

    func put(_ text: String, in file: String) throws {
        try TextFile.write(text, to: "\(folder)/Sources/ChatSync/\(file)")
    }

    func build() throws {
        // Without indexes and debug information it takes half as long.
        var arguments = ["swift", "build", "--package-path", folder, "-debug-info-format", "none"]
        switch contents {
        case .units: arguments += ["--build-tests", "--disable-xctest"]
        case .proofs: arguments += ["--disable-index-store", "--product", "machine-proofs"]
        }
        let ending = try ChildProcess.run(arguments, output: log, atMost: .seconds(900))
        guard ending == .exited(0) else {
            let errors = output().split(separator: "\n").filter { $0.contains("error:") }.joined(separator: "\n")
            throw ChildProcess.Failure(message: "the build ended with \(ending)\n\(errors)")
        }
    }

    /// Runs the unit tests of the machine and of the decisions in it.
    func test(atMost limit: Duration) throws -> ChildProcess.Ending {
        // Not by `swift test`, which would outlive a test that goes round in a circle.
        let arguments = ["\(folder)/.build/debug/mutantsPackageTests.xctest", "--testing-library", "swift-testing"]
        return try ChildProcess.run(arguments, output: log, atMost: limit)
    }

    /// Runs a short proof. Hashes are the same each time, so that what is found is found again.
    func prove(_ arguments: [String], atMost limit: Duration) throws -> ChildProcess.Ending {
        let program = ["env", "SWIFT_DETERMINISTIC_HASHING=1", "\(folder)/.build/debug/machine-proofs", "short"]
        return try ChildProcess.run(program + arguments, output: log, atMost: limit)
    }
}
