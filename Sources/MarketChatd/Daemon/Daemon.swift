import ChatOutbox
import ChatSync
import Logging
import MarketAPI
import ServiceLifecycle

/// All parts of the daemon, put together.
struct Daemon {
    /// What a drain may take beyond its limit before everything is cancelled.
    private static let drainMargin = Duration.seconds(5)

    let configuration: Configuration
    let environment: [String: String]
    let isOnce: Bool
    /// What the environment file had at the start; `nil`: it was not read.
    var environmentFile: EnvironmentFileWatch?

    /// Works until it is told to stop or, with `isOnce`, until nothing is left that can be settled now.
    ///
    /// - Parameter warnings: about the environment file.
    func run(warnings: [String]) async throws(CommandFailure) {
        let startedAt = WallTime.now
        let logger = Logger(configuration.logs, environment: environment)
        for warning in warnings + configuration.warnings.map(\.description) {
            logger.warning("The configuration needs attention", metadata: ["why": "\(warning)"])
        }
        let keys = KeyRing(sources: configuration.keySources, keys: configuration.keys)
        let market = HTTPMarketClient(configuration: try configuration.marketClient()) { keys.credential(for: $0) }
        let outbox = PostgresOutbox(configuration.outbox)
        let engine = Engine(
            configuration: configuration.engine(isOnce: isOnce), outbox: outbox, market: market, logger: logger)
        logger.notice(
            "market-chatd starts",
            metadata: [
                "version": "\(Version.current)", "businesses": "\(configuration.businessIDs.count)",
                "market.url": "\(configuration.apiURL)",
            ])
        let result = await serve(engine, outbox: outbox, keys: keys, startedAt: startedAt, logger: logger)
        await market.shutdown()
        await outbox.close()
        try result.get()
        logger.notice("market-chatd ends")
    }

    private func serve(
        _ engine: Engine, outbox: PostgresOutbox, keys: KeyRing, startedAt: WallTime, logger: Logger
    ) async -> Result<Void, CommandFailure> {
        let notifier = SystemdNotifier(environment: environment)
        let isBound = Latch()
        let systemd = SystemdService(
            notifier: notifier, status: { engine.status }, isReady: isBound,
            watchdogInterval: SystemdWatchdog.pingInterval(environment: environment),
            drainTimeout: configuration.drainTimeout)
        let signals = await SignalHandling(
            onReload: {
                systemd.reload {
                    if keys.reload(logger: logger) { engine.credentialsChanged() }
                    environmentFile?.warnOfChanges(logger)
                }
            }, logger: logger)
        let unlisted = UnlistedRowsService(mayStart: isBound, logger: logger) {
            [ids = configuration.businessIDs] () async throws(OutboxError) in
            try await outbox.unlistedBusinesses(besides: ids)
        }
        // The last one is stopped first: the listener still answers while the engine drains.
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = []
        if let address = configuration.httpListen, !isOnce {
            let reader = OverviewReader(
                connectionString: configuration.databaseURL, businessIDs: configuration.businessIDs)
            services.append(.init(service: reader))
            let listener = HTTPListener(
                address: address, status: { engine.status }, report: reports(of: engine, reader),
                reload: { keys.lastReload }, unlisted: { unlisted.unlisted }, bound: isBound,
                onBound: { logger.notice("Listening", metadata: ["http.address": "\($0)"]) }, startedAt: startedAt,
                logger: logger)
            services.append(.init(service: listener))
        } else {
            isBound.open()
        }
        services.append(.init(service: systemd))
        if !isOnce {
            services.append(.init(service: MemoryTrimService()))
            services.append(.init(service: unlisted))
        }
        if let age = configuration.retention, !isOnce {
            let retention = RetentionService(outbox: outbox, age: age, mayStart: isBound, logger: logger)
            services.append(.init(service: retention))
        }
        let service = EngineService(
            engine: engine, mayStart: isBound, onDrain: { systemd.drainBegins() }, logger: logger)
        services.append(
            .init(
                service: service, successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup))
        var group = ServiceGroupConfiguration(services: services, logger: logger.quieter(.error))
        group.maximumGracefulShutdownDuration = configuration.drainTimeout + Self.drainMargin
        do {
            let isHurried = try await signals.run(ServiceGroup(configuration: group))
            guard isHurried else { return .success(()) }
            return .failure(
                CommandFailure(.failed, ["Ended before the calls in flight were settled; they are made again"]))
        } catch let failure as CommandFailure {
            return .failure(failure)
        } catch {
            return .failure(CommandFailure(.failed, ["\(error)"]))
        }
    }
}

extension Daemon {
    /// What the page and `/status.json` show.
    private func reports(
        of engine: Engine, _ reader: OverviewReader
    ) -> @Sendable (HTTPListener.DatabaseWish) async -> StatusReport {
        let (listed, host) = (configuration.businessIDs, machineName)
        return { wish in
            let part = wish == .fresh ? await reader.part() : reader.lastPart
            return StatusReport(engine: engine.status, databasePart: part, listed: listed, host: host, now: .now)
        }
    }
}

// The configuration, as each part wants it.
extension Configuration {
    var outbox: PostgresOutbox.Configuration {
        PostgresOutbox.Configuration(
            connectionString: databaseURL.revealed(), pollInterval: pollInterval, deletesSettledRows: retention != nil)
    }

    func marketClient() throws(CommandFailure) -> MarketClientConfiguration {
        do {
            return try MarketClientConfiguration(
                baseURL: apiURL, integration: "market-chatd/\(Version.current)", requestTimeout: requestTimeout,
                keepAlive: isKeepAlive, maxConnections: min(10_000, businessIDs.count * maxParallel),
                trustRootsFile: caFile)
        } catch {
            throw CommandFailure(.configuration, ["MARKET_API_URL or MARKET_CA_FILE cannot be used: \(error)"])
        }
    }

    func engine(isOnce: Bool) -> EngineConfiguration {
        EngineConfiguration(
            businessIDs: businessIDs, pollInterval: pollInterval, retryBase: retryBase, retryMax: retryMax,
            notFoundPatience: notFoundPatience, drainTimeout: drainTimeout, requestsPerWindow: requestsPerHour,
            quotaReserve: quotaReserve, maxParallel: maxParallel, isOnce: isOnce)
    }
}
