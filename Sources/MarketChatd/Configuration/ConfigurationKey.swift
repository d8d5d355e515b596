/// The keys of the configuration, as in the environment. `MARKET_API_KEY_<businessId>` and the `_FILE` forms of the keys
/// come on top; see ``APIKeyName``.
enum ConfigurationKey: String, CaseIterable, Sendable {
    case databaseURL = "DATABASE_URL"
    case businessIDs = "MARKET_BUSINESS_IDS"
    case apiKey = "MARKET_API_KEY"
    case apiKeyFile = "MARKET_API_KEY_FILE"
    case oauthToken = "MARKET_OAUTH_TOKEN"
    case apiURL = "MARKET_API_URL"
    case caFile = "MARKET_CA_FILE"
    case requestsPerHour = "MARKET_REQUESTS_PER_HOUR"
    case quotaReserve = "MARKET_QUOTA_RESERVE"
    case maxParallel = "MARKET_MAX_PARALLEL"
    case requestTimeout = "MARKET_REQUEST_TIMEOUT"
    case keepAlive = "MARKET_KEEP_ALIVE"
    case pollInterval = "CHATD_POLL_INTERVAL"
    case retryBase = "CHATD_RETRY_BASE"
    case retryMax = "CHATD_RETRY_MAX"
    case notFoundPatience = "CHATD_NOT_FOUND_PATIENCE"
    case drainTimeout = "CHATD_DRAIN_TIMEOUT"
    case retention = "CHATD_RETENTION"
    case httpListen = "CHATD_HTTP_LISTEN"
    case logLevel = "CHATD_LOG_LEVEL"
    case logFormat = "CHATD_LOG_FORMAT"

    /// What holds where the key is not set, as it would be written; `nil` where there is no such thing.
    var defaultText: String? {
        switch self {
        case .databaseURL, .businessIDs, .apiKey, .apiKeyFile, .oauthToken, .caFile: nil
        case .apiURL: "https://api.partner.market.yandex.ru"
        case .requestsPerHour: "1000"
        case .quotaReserve: "0"
        case .maxParallel: "2"
        case .requestTimeout: "15s"
        case .keepAlive: "false"
        case .pollInterval: "10s"
        case .retryBase: "2s"
        case .retryMax: "15m"
        case .notFoundPatience: "2h"
        case .drainTimeout: "30s"
        case .retention: "0"
        case .httpListen: "127.0.0.1:9464"
        case .logLevel: "info"
        case .logFormat: "auto"
        }
    }

    /// One line for `--help`.
    var summary: String {
        switch self {
        case .databaseURL: "any libpq connection string; empty: libpq's own PG* variables"
        case .businessIDs: "required: cabinet ids, comma-separated"
        case .apiKey: "the Api-Key token; MARKET_API_KEY_<businessId> for one cabinet"
        case .apiKeyFile: "a file that holds the token, read again on reload"
        case .oauthToken: "deprecated by the vendor: sent instead of an Api-Key"
        case .apiURL: "the Market's address; http:// for a loopback host only"
        case .caFile: "PEM file of extra trust roots"
        case .requestsPerHour: "the quota assumed until the first response tells it"
        case .quotaReserve: "requests of each hour left to other integrations"
        case .maxParallel: "requests in flight for each cabinet, 1 to 4"
        case .requestTimeout: "for a whole exchange with the Market"
        case .keepAlive: "use connections again (the vendor does not support it)"
        case .pollInterval: "the fallback poll and the session's heartbeat"
        case .retryBase: "first step of a row's backoff"
        case .retryMax: "longest step of a row's backoff"
        case .notFoundPatience: "how long an order that the Market does not find is retried"
        case .drainTimeout: "on stop, how long calls in flight may finish"
        case .retention: "settled rows older than this are deleted; 0 keeps them"
        case .httpListen: "the page, /healthz, /readyz, /metrics, /status.json; off: none"
        case .logLevel: "trace, debug, info, notice, warning, error or critical"
        case .logFormat: "text, json, journal or auto"
        }
    }
}
