//! Answers that the HTTP library makes by itself, to what it can't read as a request: they have no body. Here they get the one
//! that all answers have.

use axum::http::StatusCode;
use serde_json::json;
use uuid::Uuid;

use domain::error::Code;

/// An answer without a body.
pub(super) struct Refusal(StatusCode);

impl Refusal {
    /// What `written` refuses, if it is an answer without a body; it begins with an answer's head.
    pub(super) fn read(written: &[u8]) -> Option<Self> {
        let status = written.strip_prefix(b"HTTP/1.1 ")?.get(..3)?;
        let status = StatusCode::from_bytes(status).ok().filter(StatusCode::is_client_error)?;
        let end = written.windows(4).position(|four| four == b"\r\n\r\n")?;
        let id = b"x-request-id:";
        // All that Herald answers has one.
        let is_ours = written[..end].windows(id.len()).any(|name| name.eq_ignore_ascii_case(id));
        (!is_ours).then_some(Self(status))
    }

    /// Whether the request was too long to be read to its end.
    pub(super) fn is_of_length(&self) -> bool {
        matches!(self.0, StatusCode::URI_TOO_LONG | StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE)
    }

    /// The answer with a body, and with these headers more, each a line.
    pub(super) fn answer(&self, headers: &str) -> Vec<u8> {
        let (code, message) = match self.0 {
            StatusCode::URI_TOO_LONG => (Code::PayloadTooLarge, "the path is too long: send the operation by POST"),
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => (Code::PayloadTooLarge, "the headers are too large"),
            _ => (Code::BadUserInput, "this is no request of HTTP/1.1 that can be read"),
        };
        let id = Uuid::new_v4();
        let extensions =
            json!({ "code": code.as_str(), "documentation": code.documentation(), "requestId": id.to_string() });
        let body = json!({ "errors": [{ "message": message, "extensions": extensions }] }).to_string();
        let reason = self.0.canonical_reason().unwrap_or_default();
        let head = format!(
            "HTTP/1.1 {} {reason}\r\ncontent-type: application/json\r\ncache-control: no-store\r\n\
             x-content-type-options: nosniff\r\n{headers}x-request-id: {id}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
            self.0.as_u16(),
            body.len()
        );
        [head, body].concat().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_has_no_body_gets_one() {
        let bare = |line: &str| format!("HTTP/1.1 {line}\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n");
        for (line, code) in [
            ("414 URI Too Long", "PAYLOAD_TOO_LARGE"),
            ("431 Request Header Fields Too Large", "PAYLOAD_TOO_LARGE"),
            ("400 Bad Request", "BAD_USER_INPUT"),
        ] {
            let made =
                String::from_utf8(Refusal::read(bare(line).as_bytes()).unwrap().answer("vary: origin\r\n")).unwrap();
            let (head, body) = made.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {line}")) && head.contains("connection: close"), "{head}");
            assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
            assert!(head.contains("\r\nvary: origin\r\n"), "{head}");
            let body: serde_json::Value = serde_json::from_str(body).unwrap();
            let extensions = &body["errors"][0]["extensions"];
            assert_eq!(extensions["code"], code);
            assert!(head.contains(extensions["requestId"].as_str().unwrap()), "{head}");
        }
        let ours = "HTTP/1.1 404 Not Found\r\nX-Request-Id: a\r\ncontent-length: 0\r\n\r\n";
        for other in [ours, &bare("200 OK"), &bare("101 Switching Protocols"), "HTTP/1.1 4", "{\"HTTP/1.1 400\":1}", ""]
        {
            assert!(Refusal::read(other.as_bytes()).is_none(), "{other}");
        }
    }
}
