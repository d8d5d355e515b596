/// One thing that has to hold in the end.
struct Check: Sendable, Equatable {
    let name: String
    /// How much was looked at.
    let extent: String
    /// Where it does not hold; empty: it holds.
    let problems: [String]

    init(_ name: String, _ extent: String, _ problems: [String]) {
        self.name = name
        self.extent = extent
        self.problems = problems
    }

    init(_ name: String, of count: Int, _ problems: [String]) {
        self.init(name, "\(count - problems.count) of \(count)", problems)
    }

    var holds: Bool { problems.isEmpty }
}
