/// What came of one check.
struct CheckLine: Sendable, Equatable {
    enum Outcome: Sendable, Equatable {
        case ok
        /// With the exit code that it is to be.
        case bad(ExitStatus)
        /// It cannot be known before something else is mended.
        case skipped
    }

    /// What was looked at, such as `database`.
    var name: String
    /// What was found.
    var detail: String
    var outcome = Outcome.ok
    /// What mends it.
    var cure: String?
    /// Of the exchange with the Market, for the vendor's support.
    var traceID: String?

    var isOK: Bool { outcome == .ok }

    /// Why it is not well, as an exit code.
    var problem: ExitStatus? {
        if case .bad(let status) = outcome { status } else { nil }
    }

    static func ok(_ name: String, _ detail: String) -> CheckLine { CheckLine(name: name, detail: detail) }

    static func skipped(_ name: String, _ detail: String) -> CheckLine {
        CheckLine(name: name, detail: detail, outcome: .skipped)
    }

    /// - Parameter text: cause and cure in one, where the two are not known apart.
    static func bad(
        _ name: String, _ status: ExitStatus, _ text: String, cure: String? = nil, traceID: String? = nil
    ) -> CheckLine {
        CheckLine(name: name, detail: text, outcome: .bad(status), cure: cure, traceID: traceID)
    }

    func text(_ output: CommandOutput) -> String {
        let mark =
            switch outcome {
            case .ok: output.styled("ok  ", .good)
            case .bad: output.styled("FAIL", .bad)
            case .skipped: output.styled("-   ", .quiet)
            }
        var text = "\(mark)  \(name): \(printable(detail, limit: 1000))"
        if let cure { text += "\n      cure: \(printable(cure, limit: 1000))" }
        if let traceID { text += "\n      trace id for the vendor's support: \(printable(traceID))" }
        return text
    }

    var document: JSONText {
        .object([
            ("name", .string(name)), ("ok", .bool(isOK)), ("skipped", .bool(outcome == .skipped)),
            ("detail", .string(detail)), ("cure", cure.map(JSONText.string) ?? .null),
            ("trace_id", traceID.map(JSONText.string) ?? .null),
        ])
    }
}
