// swift-tools-version: 6.2
import PackageDescription

/// Strict everywhere: a warning is a mistake that has not been paid for yet.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
]

/// Millions of decisions are checked in each run of the tests, so what decides and what checks it is optimised there too.
let optimised = strict + [.unsafeFlags(["-O"], .when(configuration: .debug))]

let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient = Target.Dependency.product(name: "AsyncHTTPClient", package: "async-http-client")
let heap = Target.Dependency.product(name: "HeapModule", package: "swift-collections")
let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let httpTypes = Target.Dependency.product(name: "HTTPTypes", package: "swift-http-types")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let nioCore = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let nioPosix = Target.Dependency.product(name: "NIOPosix", package: "swift-nio")
let nioHTTP1 = Target.Dependency.product(name: "NIOHTTP1", package: "swift-nio")
let nioSSL = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
let serviceLifecycle = Target.Dependency.product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals = Target.Dependency.product(name: "UnixSignals", package: "swift-service-lifecycle")
let subprocess = Target.Dependency.product(name: "Subprocess", package: "swift-subprocess")

let package = Package(
    name: "market-chatd",
    products: [
        .library(name: "MarketAPI", targets: ["MarketAPI"]),
        .executable(name: "market-chatd", targets: ["MarketChatd"]),
        .executable(name: "market-sandbox", targets: ["MarketSandboxCommand"]),
        .executable(name: "market-chatd-demo", targets: ["MarketChatdDemo"]),
    ],
    // Exact, so that what was tested is what is built and installed: an update is a commit.
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", exact: "1.6.0"),
        .package(url: "https://github.com/apple/swift-http-types", exact: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", exact: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", exact: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", exact: "2.37.6"),
        // Without the default traits no full Foundation and no ICU data are linked.
        .package(url: "https://github.com/hummingbird-project/hummingbird", exact: "2.28.1", traits: []),
        .package(url: "https://github.com/swift-server/async-http-client", exact: "1.37.0", traits: []),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", exact: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", exact: "1.5.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", exact: "1.0.2", traits: []),
    ],
    targets: [
        .systemLibrary(name: "CLibpq", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "LibPQ", dependencies: ["CLibpq"], swiftSettings: strict),
        .target(
            name: "MarketAPI", dependencies: [asyncHTTPClient, nioCore, nioHTTP1, nioPosix, nioSSL],
            swiftSettings: strict),
        .target(
            name: "ChatOutbox", dependencies: ["LibPQ"], resources: [.embedInCode("SQL")], swiftSettings: strict),
        .target(
            name: "ChatSync", dependencies: ["ChatOutbox", "MarketAPI", heap, logging],
            swiftSettings: optimised),
        .executableTarget(
            name: "MarketChatd",
            dependencies: [
                "ChatOutbox", "ChatSync", "LibPQ", "MarketAPI", argumentParser, httpTypes, hummingbird, logging,
                nioCore,
                nioHTTP1, nioPosix, serviceLifecycle, unixSignals,
            ],
            resources: [.embedInCode("Assets")], swiftSettings: strict),
        // What the sandbox, the demonstration, tests and benchmarks share; the daemon links none of it.
        .target(name: "Harness", swiftSettings: strict),
        .target(name: "MarketSandbox", dependencies: ["Harness", nioCore, nioHTTP1, nioPosix], swiftSettings: strict),
        .executableTarget(
            name: "MarketSandboxCommand", dependencies: ["MarketSandbox", argumentParser, unixSignals],
            swiftSettings: strict),
        .target(name: "PrivatePostgres", dependencies: ["Harness", subprocess], swiftSettings: strict),
        .executableTarget(
            name: "MarketChatdDemo",
            dependencies: ["Harness", "MarketSandbox", "PrivatePostgres", argumentParser, subprocess, unixSignals],
            resources: [.embedInCode("SQL")], swiftSettings: strict),

        .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
        .target(
            name: "MachineProofs", dependencies: ["ChatOutbox", "ChatSync", "Harness", "MarketAPI", heap],
            path: "Tests/MachineProofs", swiftSettings: optimised),
        .executableTarget(
            name: "machine-proofs", dependencies: ["MachineProofs"], path: "Tests/MachineProofsCommand",
            swiftSettings: strict),
        .testTarget(
            name: "LibPQTests", dependencies: ["Harness", "LibPQ", "PrivatePostgres", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "MarketAPITests",
            dependencies: ["Harness", "MarketAPI", "MarketSandbox", "TestSupport", nioCore, nioPosix, nioSSL],
            swiftSettings: strict),
        .testTarget(
            name: "ChatOutboxTests",
            dependencies: ["ChatOutbox", "Harness", "LibPQ", "PrivatePostgres", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "ChatSyncTests",
            dependencies: ["ChatSync", "ChatOutbox", "Harness", "MachineProofs", "MarketAPI", "TestSupport", logging],
            swiftSettings: optimised),
        .testTarget(
            name: "MarketSandboxTests",
            dependencies: [
                "Harness", "MarketSandbox", "MarketSandboxCommand", "TestSupport", argumentParser, asyncHTTPClient,
                nioCore,
                nioHTTP1,
            ],
            swiftSettings: strict),
        .testTarget(
            name: "MarketChatdTests",
            dependencies: ["ChatOutbox", "ChatSync", "Harness", "MarketChatd", "TestSupport", logging],
            swiftSettings: strict),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "ChatOutbox", "Harness", "LibPQ", "MarketChatd", "MarketSandboxCommand", "MarketChatdDemo",
                "MarketSandbox",
                "PrivatePostgres", "TestSupport", subprocess,
            ],
            swiftSettings: strict),
    ]
)
