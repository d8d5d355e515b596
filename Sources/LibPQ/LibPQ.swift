internal import CLibpq

/// The libpq that runs: major × 10,000 + minor, such as 150018.
public var libpqVersion: Int { Int(PQlibVersion()) }
