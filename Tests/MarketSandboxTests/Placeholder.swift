import Testing

@Suite struct MarketSandboxPlaceholder {}
