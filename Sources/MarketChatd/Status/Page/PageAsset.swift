/// The files beside the page. They are not in it, so that nothing inline has to be allowed there.
enum PageAsset: String, CaseIterable, Sendable {
    case style = "status.css"
    case script = "status.js"
    case icon = "status.svg"

    var answer: StatusAnswer {
        let (type, bytes) =
            switch self {
            case .style: ("text/css; charset=utf-8", PackageResources.status_css)
            case .script: ("text/javascript; charset=utf-8", PackageResources.status_js)
            case .icon: ("image/svg+xml", PackageResources.status_svg)
            }
        return StatusAnswer(code: 200, contentType: type, body: String(decoding: bytes, as: UTF8.self))
    }
}

extension StatusAnswer {
    /// Only our own style, script and icon, and only to fetch itself anew; in no frame, with no form.
    private static let pagePolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
        + " frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

    static func page(_ page: StatusPage) -> StatusAnswer {
        StatusAnswer(
            code: 200, contentType: "text/html; charset=utf-8", body: page.html, contentSecurityPolicy: pagePolicy)
    }
}
