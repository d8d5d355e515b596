import Testing

@Suite struct ChatSyncPlaceholder {}
