//! The size of a document, before anything reads it: one pass over its bytes.

use super::Refusal;
use domain::error::Code;
use domain::limits::DocumentLimits;

/// Levels of braces, brackets and parentheses together. Far more than any document that keeps the other limits has, and few
/// enough for the parser, which calls itself for each.
const NESTING: usize = 128;

/// Refuses what is too long, or nested so deeply that reading it would be a risk.
pub(super) fn check(document: &str, limits: &DocumentLimits) -> Result<(), Refusal> {
    let refuse = |message| Err(Refusal::new(Code::DocumentTooLarge, message));
    if document.len() > limits.bytes {
        return refuse(format!("the document has {} bytes, {} is the most", document.len(), limits.bytes));
    }
    let mut nesting = 0_usize;
    for (number, token) in Tokens(document.as_bytes()).enumerate() {
        if number >= limits.tokens {
            return refuse(format!("the document has more than {} tokens", limits.tokens));
        }
        match token {
            b'{' | b'[' | b'(' => nesting += 1,
            b'}' | b']' | b')' => nesting = nesting.saturating_sub(1),
            _ => {}
        }
        if nesting > NESTING {
            let message = format!("the document has more than {NESTING} levels of brackets");
            return Err(Refusal::new(Code::QueryTooDeep, message));
        }
    }
    Ok(())
}

/// The first byte of each token.
struct Tokens<'a>(&'a [u8]);

impl Iterator for Tokens<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        loop {
            let (&first, rest) = self.0.split_first()?;
            let length = match first {
                b' ' | b'\t' | b'\r' | b'\n' | b',' | 0xEF | 0xBB | 0xBF => {
                    self.0 = rest;
                    continue;
                }
                b'#' => {
                    self.0 = &rest[until(rest, |byte| byte == b'\n' || byte == b'\r')..];
                    continue;
                }
                b'"' => string(self.0),
                b'.' => 1 + until(rest, |byte| byte != b'.').min(2),
                b'-' | b'0'..=b'9' => 1 + until(rest, |byte| !is_word(byte) && !matches!(byte, b'-' | b'+' | b'.')),
                byte if is_word(byte) => 1 + until(rest, |byte| !is_word(byte)),
                _ => 1,
            };
            self.0 = &self.0[length..];
            return Some(first);
        }
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn until(bytes: &[u8], is_end: impl Fn(u8) -> bool) -> usize {
    bytes.iter().position(|byte| is_end(*byte)).unwrap_or(bytes.len())
}

/// The length of the string that the text begins with, or of the rest if it has no end.
fn string(text: &[u8]) -> usize {
    let is_block = text.starts_with(br#"""""#);
    let quote: &[u8] = if is_block { br#"""""# } else { br#"""# };
    let mut at = quote.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        match rest {
            [b'\\', ..] if !is_block => at += 2,
            _ if is_block && rest.starts_with(br#"\""""#) => at += 4,
            _ if rest.starts_with(quote) => return at + quote.len(),
            _ => at += 1,
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(document: &str) -> usize {
        Tokens(document.as_bytes()).count()
    }

    #[test]
    fn tokens_are_counted_as_the_specification_has_them() {
        let cases = [
            ("", 0),
            (" \t\r\n,, \u{feff}", 0),
            ("# a comment { a }\n", 0),
            ("{ a }", 3),
            ("{a,b c#x\nd}", 6),
            ("{ ...A @b(c: $d) }", 12),
            (r#"{ a(b: "x y \" z", c: -1.5e+3, d: """ a "b" \""" """) }"#, 14),
            (r#""no end"#, 1),
            (r#""\"#, 1),
            ("query Q($a: [Int!]! = [1]) { a }", 19),
        ];
        for (document, tokens) in cases {
            assert_eq!(count(document), tokens, "{document}");
        }
    }

    #[test]
    fn each_limit_holds_at_it_and_not_above() {
        let limits = DocumentLimits { bytes: 40, tokens: 10, ..DocumentLimits::default() };
        let code = |document: &str| check(document, &limits).err().map(|refusal| refusal.code);
        assert_eq!(code(&" ".repeat(40)), None);
        assert_eq!(code(&" ".repeat(41)), Some(Code::DocumentTooLarge));
        assert_eq!(code(&"a ".repeat(10)), None);
        assert_eq!(code(&"a ".repeat(11)), Some(Code::DocumentTooLarge));
        let limits = DocumentLimits::default();
        assert_eq!(check(&"{".repeat(NESTING), &limits), Ok(()));
        assert_eq!(check(&"[".repeat(NESTING + 1), &limits).unwrap_err().code, Code::QueryTooDeep);
    }
}
