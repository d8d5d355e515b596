import Logging

/// swift-log's way to a ``LogOutput``.
struct ChatdLogHandler: LogHandler {
    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private let output: LogOutput

    init(level: Logger.Level, output: LogOutput) {
        logLevel = level
        self.output = output
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var values = metadata
        if let provided = metadataProvider?.get() { values.merge(provided) { $1 } }
        if let own = event.metadata { values.merge(own) { $1 } }
        if let error = event.error, values["error"] == nil { values["error"] = "\(error)" }
        output.write(LogRecord(level: event.level, message: event.message.description, metadata: values))
    }
}

extension Logger {
    /// The daemon's logger, for one configuration.
    init(_ configuration: LogConfiguration, environment: [String: String]) {
        let output = LogOutput.standard(for: configuration.format, environment: environment)
        self.init(label: LogOutput.identifier, output: output, level: configuration.level)
    }

    init(label: String, output: LogOutput, level: Logger.Level) {
        self.init(label: label) { _ in ChatdLogHandler(level: level, output: output) }
    }

    /// The same output with a higher threshold, for libraries that tell of every connection.
    func quieter(_ level: Logger.Level) -> Logger {
        var logger = self
        logger.logLevel = max(level, logger.logLevel)
        return logger
    }
}
