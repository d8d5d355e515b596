import Glibc

/// A small file, as it was found.
struct FileContents: Sendable, Equatable {
    var bytes: [UInt8]
    /// Whether every user of this machine may read it.
    var isWorldReadable: Bool

    init(_ bytes: [UInt8], isWorldReadable: Bool = false) {
        self.bytes = bytes
        self.isWorldReadable = isWorldReadable
    }
}
