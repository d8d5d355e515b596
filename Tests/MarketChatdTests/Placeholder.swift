import Testing

@Suite struct MarketChatdPlaceholder {}
