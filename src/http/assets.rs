//! The pages, the dashboard and the IDE, whole in the binary: they need nothing from the network.

use std::io::Write;
use std::sync::{LazyLock, OnceLock};

use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use super::ways::Part;
use super::{Http, answer};

/// Nothing but what the binary has, and no text that becomes markup.
pub(super) const DASHBOARD_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'";

/// A page and all that it loads.
pub(super) struct Page {
    /// The Content-Security-Policy of all its files.
    pub policy: &'static str,
    /// The files, by their names.
    pub files: Vec<File>,
    /// What is said of a name that none of them has.
    pub elsewhere: &'static str,
}

/// A file of the binary.
pub(super) struct File {
    name: &'static str,
    bytes: &'static [u8],
    /// The hash of the bytes: a browser that has the file is told so.
    tag: String,
    /// That of the file as gzip has it.
    packed_tag: String,
    /// The file as gzip has it, once somebody has asked for it; None where that is hardly less.
    packed: OnceLock<Option<Vec<u8>>>,
}

macro_rules! files {
    ($folder:literal: $($name:literal),+ $(,)?) => {
        vec![$(File::new($name, include_bytes!(concat!("assets/", $folder, "/", $name)))),+]
    };
}

static DASHBOARD: LazyLock<Page> = LazyLock::new(|| Page {
    policy: DASHBOARD_POLICY,
    files: files![
        "dashboard":
        "index.html",
        "base.css",
        "views.css",
        "campaign.css",
        "told.css",
        "forms.css",
        "overview.css",
        "flow.css",
        "charts.css",
        "made.css",
        "things.css",
        "account-form.js",
        "accounts.js",
        "api.js",
        "app.js",
        "audit.js",
        "batch-list.js",
        "bubble.js",
        "callbacks.js",
        "campaign-row.js",
        "campaign.js",
        "campaigns.js",
        "catalog-operations.js",
        "catalog.js",
        "channel-list.js",
        "chart.js",
        "controls.js",
        "dom.js",
        "draft.js",
        "failures.js",
        "flow-edit.js",
        "flow.js",
        "focus.js",
        "forms.js",
        "integration-form.js",
        "integrations.js",
        "interval.js",
        "jobs.js",
        "language.js",
        "lead.js",
        "leads.js",
        "live.js",
        "new-check.js",
        "new-how.js",
        "new-operations.js",
        "new-preview.js",
        "new-what.js",
        "new-whom.js",
        "new.js",
        "once.js",
        "operations.js",
        "overview-items.js",
        "overview-operations.js",
        "overview.js",
        "pages.js",
        "preflight.js",
        "progress.js",
        "report-operations.js",
        "reports.js",
        "roles.js",
        "ru-catalog.js",
        "ru-making.js",
        "ru-names.js",
        "ru-reports.js",
        "ru-sequences.js",
        "ru-settings.js",
        "ru-things.js",
        "ru.js",
        "sequence-operations.js",
        "sequence.js",
        "sequences.js",
        "session.js",
        "settings-operations.js",
        "settings-own.js",
        "settings-tokens.js",
        "settings-sessions.js",
        "settings-users.js",
        "settings.js",
        "sign-in.js",
        "stop.js",
        "test-form.js",
        "tests.js",
        "things-operations.js",
        "time-chart.js",
        "upload.js",
        "ways.js",
        "words.js",
        "icon.svg",
        "inter-cyrillic.woff2",
        "inter-latin.woff2",
        "LICENSES.txt",
    ],
    elsewhere: "there is nothing here; the dashboard is at /",
});

/// The dashboard's page where single sign-on is set up; the script of its sign-in page looks for the attribute.
static WITH_SSO: LazyLock<File> = LazyLock::new(|| {
    let page = include_str!("assets/dashboard/index.html").replace("<body>", "<body data-sso>");
    File::new("index.html", page.leak().as_bytes())
});

static GRAPHIQL: LazyLock<Page> = LazyLock::new(|| Page {
    // GraphiQL writes styles into the page, and its editor makes markup.
    policy: "default-src 'self'; style-src 'self' 'unsafe-inline'; font-src 'self' data:; img-src 'self' data:; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    files: files![
        "graphiql":
        "index.html",
        "graphiql-init.js",
        "operations.json",
        "graphiql.min.js",
        "graphiql.min.css",
        "react.production.min.js",
        "react-dom.production.min.js",
        "LICENSES.txt",
    ],
    elsewhere: "there is nothing here; the dashboard is at /",
});

/// The dashboard; its sign-in page leads to single sign-on where there is one.
pub(super) async fn dashboard(State(http): State<Http>, headers: HeaderMap) -> Response {
    match http.options.sso_login_url {
        Some(_) => DASHBOARD.answer(&WITH_SSO, &headers),
        None => DASHBOARD.file("index.html", &headers),
    }
}

/// A file of the dashboard.
pub(super) async fn dashboard_file(Part(name): Part, headers: HeaderMap) -> Response {
    DASHBOARD.file(&name, &headers)
}

/// The IDE.
pub(super) async fn graphiql(headers: HeaderMap) -> Response {
    GRAPHIQL.file("index.html", &headers)
}

/// A file of the IDE.
pub(super) async fn graphiql_file(Part(name): Part, headers: HeaderMap) -> Response {
    GRAPHIQL.file(&name, &headers)
}

/// Whether who asks can unpack gzip.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let all = asked.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    all.flat_map(|value| value.split(',')).any(|one| {
        let mut parts = one.split(';').map(str::trim);
        let is_gzip = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let is_refused = |part: &str| {
            let weight = part.strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            weight.is_some_and(|weight| weight <= 0.0)
        };
        is_gzip && !parts.any(is_refused)
    })
}

/// Whether who asks has the file of this tag already.
fn knows(asked: &HeaderMap, tag: &str) -> bool {
    let all = asked.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut all = all.flat_map(|value| value.split(',')).map(str::trim);
    all.any(|known| known.strip_prefix("W/").unwrap_or(known) == tag)
}

impl Page {
    /// The file of this name, as who asks can take it.
    pub(super) fn file(&'static self, name: &str, asked: &HeaderMap) -> Response {
        let Some(file) = self.files.iter().find(|file| file.name == name) else {
            return answer::nothing(self.elsewhere, asked);
        };
        self.answer(file, asked)
    }

    fn answer(&self, file: &'static File, asked: &HeaderMap) -> Response {
        let packed = file.packed().filter(|_| takes_gzip(asked));
        let tag = if packed.is_some() { &file.packed_tag } else { &file.tag };
        let headers = [
            (CONTENT_TYPE, file.kind()),
            (VARY, "Accept-Encoding"),
            (CONTENT_SECURITY_POLICY, self.policy),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (REFERRER_POLICY, "no-referrer"),
            // Another version of Herald has other files under the same names.
            (CACHE_CONTROL, "no-cache"),
            (ETAG, tag.as_str()),
        ];
        if knows(asked, tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        match packed {
            Some(packed) => (headers, [(CONTENT_ENCODING, "gzip")], packed).into_response(),
            None => (headers, file.bytes).into_response(),
        }
    }
}

impl File {
    /// A file with its name, by whose ending its type is known.
    pub(super) fn new(name: &'static str, bytes: &'static [u8]) -> Self {
        let hash = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(bytes));
        let (tag, packed_tag) = (format!("\"{hash}\""), format!("\"{hash}-gzip\""));
        Self { name, bytes, tag, packed_tag, packed: OnceLock::new() }
    }

    /// The file as gzip has it.
    fn packed(&self) -> Option<&[u8]> {
        let pack = || {
            // Fonts are packed already.
            if std::path::Path::new(self.name).extension().is_some_and(|ending| ending == "woff2") {
                return None;
            }
            let mut packer = GzEncoder::new(Vec::new(), Compression::default());
            packer.write_all(self.bytes).and_then(|()| packer.finish()).ok()
        };
        self.packed.get_or_init(pack).as_deref()
    }

    fn kind(&self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("js") => "text/javascript; charset=utf-8",
            Some("json") => "application/json",
            Some("svg") => "image/svg+xml",
            Some("woff2") => "font/woff2",
            _ => "text/plain; charset=utf-8",
        }
    }
}
