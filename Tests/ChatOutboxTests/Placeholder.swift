import Testing

@Suite struct ChatOutboxPlaceholder {}
