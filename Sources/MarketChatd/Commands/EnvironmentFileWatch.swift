import Logging

/// What the environment file had at the start. A reload reads key files again, but a process keeps its environment: whoever
/// edits the file and reloads is to be told that it takes a restart.
struct EnvironmentFileWatch: Sendable {
    let path: String
    let assignments: [String: String]
    let reader: FileReader

    /// Keys of the configuration whose values in the file are not those of the start, by name. Empty where the file cannot be
    /// read now.
    var changedKeys: [String] {
        guard case .success(let contents) = reader.contents(of: path, atMost: EnvironmentLoader.longestFileBytes),
            let file = try? EnvironmentFile(parsing: contents.bytes)
        else { return [] }
        let names = Set(file.assignments.keys).union(assignments.keys)
        return names.filter { name in
            let isKey = ConfigurationKey(rawValue: name) != nil || APIKeyName(name) != nil || name.hasPrefix("PG")
            return isKey && file.assignments[name] != assignments[name]
        }.sorted()
    }

    func warnOfChanges(_ logger: Logger) {
        let changed = changedKeys
        guard !changed.isEmpty else { return }
        logger.warning(
            "The environment file has changed, and a reload does not take that in: restart the service",
            metadata: ["keys": "\(changed.joined(separator: ", "))", "file": "\(printable(path))"])
    }
}
