/// Finds what was probably meant by a misspelt name.
enum NearestName {
    /// The candidate that takes the fewest edits, if they are few for the name's length; or the one that `name` abbreviates.
    static func among(_ candidates: [String], to name: String) -> String? {
        let continued = candidates.filter { $0.hasPrefix(name) }
        if name.utf8.count >= 3, continued.count == 1 { return continued[0] }
        let limit = max(1, name.utf8.count / 3)
        let ranked = candidates.map { (name: $0, edits: edits(from: name, to: $0)) }
        guard let best = ranked.min(by: { $0.edits < $1.edits }), best.edits <= limit else { return nil }
        return best.name
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    static func edits(from source: String, to target: String) -> Int {
        let source = Array(source.utf8)
        let target = Array(target.utf8)
        var beforeLast = [Int]()
        var last = Array(0...target.count)
        for row in 0..<source.count {
            var current = [row + 1]
            for column in 0..<target.count {
                let replacement = last[column] + (source[row] == target[column] ? 0 : 1)
                var best = min(replacement, last[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, source[row] == target[column - 1], source[row - 1] == target[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            (beforeLast, last) = (last, current)
        }
        return last[target.count]
    }
}
