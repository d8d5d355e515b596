public import Glibc

/// What `/proc` says. Source: proc(5).
public enum ProcessTable {
    /// The names in a directory; none where it cannot be read.
    public static func entries(of directory: String) -> [String] {
        guard let stream = opendir(directory) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            names.append(
                withUnsafePointer(to: &entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names
    }

    /// All processes that this one can see.
    public static var processes: [pid_t] { entries(of: "/proc").compactMap { pid_t($0) } }

    public static func children(of parent: pid_t) -> [pid_t] {
        processes.filter { status(of: $0)?.parent == parent }
    }

    /// A zombie runs no more.
    public static func isRunning(_ process: pid_t) -> Bool {
        guard let status = status(of: process) else { return false }
        return status.state != "Z" && status.state != "X"
    }

    /// Where the program of this process is: a build puts all of its programs and tests there.
    public static var ownDirectory: String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let length = readlink("/proc/self/exe", &buffer, buffer.count)
        let path = String(decoding: buffer.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    private static func status(of process: pid_t) -> (state: Substring, parent: pid_t)? {
        guard let text = try? TextFile.read("/proc/\(process)/stat"), let end = text.lastIndex(of: ")") else {
            return nil
        }
        let fields = text[end...].split(separator: " ")
        guard fields.count > 2, let parent = pid_t(fields[2]) else { return nil }
        return (fields[1], parent)
    }
}
