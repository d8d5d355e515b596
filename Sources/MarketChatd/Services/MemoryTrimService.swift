import Glibc
import ServiceLifecycle

/// Gives memory back that the start needed, when thousands of cabinets look at their rows together: the allocator keeps it
/// otherwise, for the life of the process.
struct MemoryTrimService: Service {
    private static let first = Duration.seconds(15)
    /// A crowd of rows leaves some behind, too.
    private static let period = Duration.seconds(600)

    /// glibc's `malloc_trim`, which its module for Swift leaves out; other libraries have none.
    private static var trim: (@convention(c) (Int) -> CInt)? {
        dlsym(nil, "malloc_trim").map { unsafeBitCast($0, to: (@convention(c) (Int) -> CInt).self) }
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            let trim = Self.trim
            var pause = Self.first
            while !Task.isCancelled {
                try? await Task.sleep(for: pause)
                _ = trim?(0)
                pause = Self.period
            }
        }
    }
}
