/// How a program ends. Source: sysexits.h for all but the first three.
enum ExitStatus: Int32, Sendable {
    /// Done or drained.
    case success = 0
    /// Failed; another try may succeed.
    case failed = 1
    /// `migrate --check` alone: the schema and this program do not go together. The Debian package decides by it.
    case schemaUnfit = 2
    case usage = 64
    case noPermission = 77
    /// The configuration, or what it points to, has to be mended first.
    case configuration = 78
}
