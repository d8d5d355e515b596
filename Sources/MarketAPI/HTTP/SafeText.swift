/// Makes text from elsewhere fit for logs, terminals and text columns: bounded, without control characters, and without
/// the secret of the request, should a server repeat it.
struct SafeText: Sendable {
    private let secret: [UInt8]

    /// - Parameter secret: is replaced with `***` wherever it occurs; empty for none.
    init(hiding secret: String = "") {
        self.secret = Array(secret.utf8)
    }

    /// - Parameters:
    ///   - bytes: UTF-8, or anything else: what is not UTF-8 becomes U+FFFD.
    ///   - limit: Unicode scalars at most. (A single `Character` may have any number of bytes.)
    func text(_ bytes: [UInt8], limit: Int) -> String {
        var kept: [UInt8] = []
        var position = 0
        // Four bytes are the longest scalar, and a few may go in trimming.
        while position < bytes.count, kept.count < 4 * (limit + 16) {
            if !secret.isEmpty, bytes[position] == secret[0], bytes[position...].starts(with: secret) {
                kept.append(contentsOf: "***".utf8)
                position += secret.count
            } else {
                kept.append(bytes[position])
                position += 1
            }
        }
        var scalars = String.UnicodeScalarView()
        var spaceIsPending = false
        for scalar in String(decoding: kept, as: UTF8.self).unicodeScalars {
            if Self.isBlank(scalar) {
                spaceIsPending = !scalars.isEmpty
                continue
            }
            if spaceIsPending, scalars.count < limit { scalars.append(" ") }
            spaceIsPending = false
            guard scalars.count < limit else { break }
            scalars.append(scalar)
        }
        return String(scalars)
    }

    func text(_ string: String, limit: Int) -> String {
        text(Array(string.utf8), limit: limit)
    }

    /// As ``text(_:limit:)``, with nothing for an empty text.
    func text(_ string: String?, limit: Int) -> String? {
        guard let string else { return nil }
        let safe = text(string, limit: limit)
        return safe.isEmpty ? nil : safe
    }

    /// Spaces, line ends, and control characters, which are shown as spaces.
    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0...0x20, 0x7F...0x9F, 0x2028, 0x2029: true
        default: false
        }
    }
}
