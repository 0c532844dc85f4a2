//! Lines and columns of a document. Each is found at a cost that does not grow with the length of its line.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

/// Bytes between two marks.
const STRIDE: usize = 64;

/// The lines of a text.
#[derive(Debug)]
pub(crate) struct Places {
    text: Box<str>,
    /// Where each line begins, in bytes.
    lines: Vec<usize>,
    /// The characters before each mark.
    marks: Vec<usize>,
}

impl Places {
    /// The lines of `text`.
    pub fn of(text: &str) -> Self {
        let bytes = text.as_bytes();
        let is_end = |at: usize| bytes[at] == b'\n' || (bytes[at] == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        let ends = (0..bytes.len()).filter(|at| is_end(*at));
        let lines = std::iter::once(0).chain(ends.map(|at| at + 1)).collect();
        let mut before = 0;
        let marks = bytes.chunks(STRIDE).map(|chunk| {
            let mark = before;
            before += characters(chunk);
            mark
        });
        Self { marks: marks.collect(), text: text.into(), lines }
    }

    /// Where something stands that was read from the text; the beginning for what was not.
    pub fn pos(&self, span: Option<SourceSpan>) -> Pos {
        self.at(span.map_or(0, |span| span.offset()))
    }

    fn at(&self, offset: usize) -> Pos {
        let offset = offset.min(self.text.len());
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = self.lines[line - 1];
        Pos { line, column: self.before(offset) - self.before(start) + 1 }
    }

    fn before(&self, offset: usize) -> usize {
        let Some(mark) = self.marks.get(offset / STRIDE).or(self.marks.last()) else { return 0 };
        let from = (offset / STRIDE).min(self.marks.len() - 1) * STRIDE;
        mark + characters(&self.text.as_bytes()[from..offset])
    }
}

/// The characters that begin in these bytes.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| *byte & 0xC0 != 0x80).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_counted_in_lines_and_characters() {
        let text = format!("a\nbc\r\nd\re{}f", "ж".repeat(100));
        let places = Places::of(&text);
        for (what, line, column) in [("a", 1, 1), ("c", 2, 2), ("d", 3, 1), ("e", 4, 1), ("f", 4, 102)] {
            let offset = text.find(what).expect("it is there");
            assert_eq!(places.at(offset), Pos { line, column }, "{what}");
        }
        assert_eq!(places.at(text.len()), Pos { line: 4, column: 103 });
        assert_eq!(Places::of("").at(0), Pos { line: 1, column: 1 });
        let exact = "x".repeat(STRIDE);
        assert_eq!(Places::of(&exact).at(STRIDE), Pos { line: 1, column: STRIDE + 1 });
    }
}
