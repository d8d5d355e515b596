import MarketAPI

extension PerKind<CircuitBreaker> {
    var isAnyOpen: Bool { ChatContext.Kind.allCases.contains { self[$0].isOpen } }
}

/// One value for ORDER and one for RETURN.
struct PerKind<Value: Sendable & Hashable>: Sendable, Hashable {
    private var order: Value
    private var `return`: Value

    init(_ value: Value) {
        order = value
        `return` = value
    }

    subscript(kind: ChatContext.Kind) -> Value {
        get { kind == .order ? order : `return` }
        set { if kind == .order { order = newValue } else { `return` = newValue } }
    }
}
