//! Of the head of a request, while it comes, what an answer needs that is made before the head can be read as a whole: the page
//! that it comes from.

/// The longest origin that is remembered, in bytes, with the name of its header.
const LONGEST: usize = 300;
/// How the line begins that has it.
const NAME: &[u8] = b"origin:";

/// The lines of a head, as they come.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// How the line begins that is coming.
    line: Vec<u8>,
    /// Its length until now.
    length: usize,
    /// The length of all of it until now.
    whole: usize,
    origin: Option<Vec<u8>>,
    is_over: bool,
}

impl Head {
    /// Takes what has come.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        if self.is_over {
            return;
        }
        self.whole += bytes.len();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = LONGEST.saturating_sub(self.line.len());
            self.line.extend_from_slice(&piece[..piece.len().min(room)]);
            self.length += piece.len();
            if piece.ends_with(b"\n") {
                self.end_line();
            }
            if self.is_over {
                return;
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let is_whole = std::mem::take(&mut self.length) == line.len();
        let text = line.trim_ascii();
        self.is_over = text.is_empty();
        if is_whole && text.get(..NAME.len()).is_some_and(|name| name.eq_ignore_ascii_case(NAME)) {
            self.origin = Some(text[NAME.len()..].trim_ascii().to_vec());
        }
    }

    /// Whether all of it has come.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// How many bytes of it have come.
    pub(super) fn bytes(&self) -> usize {
        self.whole
    }

    /// The origin that it names.
    pub(super) fn origin(&self) -> Option<&[u8]> {
        self.origin.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_origin_is_found_however_the_head_comes_in_pieces() {
        let long = "x".repeat(100_000);
        for (head, origin, is_over) in [
            (
                format!("GET /{long} HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n\r\nbody"),
                Some("https://a.example"),
                true,
            ),
            ("GET / HTTP/1.1\nORIGIN:https://a.example\nx: y".to_owned(), Some("https://a.example"), false),
            (
                "GET / HTTP/1.1\r\nX-Origin: https://a.example\r\n\r\nOrigin: https://b.example\r\n".to_owned(),
                None,
                true,
            ),
            (format!("GET / HTTP/1.1\r\nOrigin: {long}\r\n\r\n"), None, true),
            ("GET / HTTP/1.1\r\nOrigin: https://a.exam".to_owned(), None, false),
        ] {
            for size in [1, 7, 4_096, 1 << 20] {
                let mut read = Head::default();
                head.as_bytes().chunks(size).for_each(|piece| read.take(piece));
                let found = read.origin().map(|origin| std::str::from_utf8(origin).unwrap());
                assert_eq!((found, read.is_over()), (origin, is_over), "{size} {}", &head[..30]);
            }
        }
    }
}
