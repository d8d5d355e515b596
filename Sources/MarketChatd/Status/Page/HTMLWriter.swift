/// HTML that is written by hand. Names of elements and attributes are fixed in the program; every text and every value is
/// escaped; so nothing that comes from outside becomes markup.
struct HTMLWriter {
    typealias Attributes = KeyValuePairs<StaticString, String>

    private(set) var html = ""

    /// Markup of the program's own.
    mutating func markup(_ markup: StaticString) {
        html += "\(markup)"
    }

    mutating func open(_ tag: StaticString, _ attributes: Attributes = [:]) {
        html += "<\(tag)"
        for (name, value) in attributes {
            html += " \(name)=\""
            text(value)
            html += "\""
        }
        html += ">"
    }

    mutating func close(_ tag: StaticString) {
        html += "</\(tag)>"
    }

    mutating func element(_ tag: StaticString, _ text: String) {
        element(tag, [:], text)
    }

    mutating func element(_ tag: StaticString, _ attributes: Attributes, _ text: String) {
        open(tag, attributes)
        self.text(text)
        close(tag)
    }

    /// What does not print, or turns the direction of writing, is shown by its number.
    mutating func text(_ text: String) {
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": html += "&amp;"
            case "<": html += "&lt;"
            case ">": html += "&gt;"
            case "\"": html += "&quot;"
            case "'": html += "&#39;"
            default:
                if let escape = escape(of: scalar) { html += escape } else { html.unicodeScalars.append(scalar) }
            }
        }
    }

    /// A text of the Market's or of a stranger's: cut, and kept from turning the direction of what stands around it.
    mutating func foreign(_ text: String, limit: Int = 160) {
        element("bdi", printable(text, limit: limit))
    }
}
