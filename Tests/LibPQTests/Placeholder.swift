import Testing

@Suite struct LibPQPlaceholder {}
