import Testing

@Suite struct MarketAPIPlaceholder {}
