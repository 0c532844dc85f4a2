//! Documents that came before: clients send the same few again and again, so each is read and measured once.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::ServerError;
use async_graphql::parser::parse_query;
use async_graphql::parser::types::ExecutableDocument;
use parking_lot::Mutex;

use super::{Refusal, measure, tokens, unreadable, written};
use domain::limits::DocumentLimits;

/// Documents that are remembered before all are forgotten: more than a frontend has, few enough for little memory.
const MOST: usize = 256;
/// Bytes of the longest that is remembered.
const LONGEST: usize = 8 << 10;

/// Documents that were read, and let through by all checks that need no variables.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    known: Mutex<HashMap<Box<str>, Arc<ExecutableDocument>>>,
}

impl Documents {
    /// Reads a document, or finds it. What is refused is not remembered.
    pub fn read(&self, text: &str, limits: &DocumentLimits) -> Result<Arc<ExecutableDocument>, Refusal> {
        let found = self.known.lock().get(text).cloned();
        if let Some(document) = found {
            return Ok(document);
        }
        tokens::check(text, limits)?;
        let document = parse_query(text).map_err(|error| unreadable(&ServerError::from(error).message))?;
        written::check(&document, limits)?;
        measure::check(&document, limits)?;
        let document = Arc::new(document);
        if text.len() <= LONGEST {
            let mut known = self.known.lock();
            // Whoever sends ever new documents gains nothing, and costs the others one reading.
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(text.into(), document.clone());
        }
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_read_once_and_few_are_kept() {
        let (documents, limits) = (Documents::default(), DocumentLimits::default());
        let read = |text: &str| documents.read(text, &limits).unwrap();
        assert!(Arc::ptr_eq(&read("{ a }"), &read("{ a }")));
        for number in 0..MOST * 2 {
            read(&format!("{{ a{number} }}"));
        }
        assert!(documents.known.lock().len() <= MOST);
        let long = format!("{{ a }} #{}", "-".repeat(LONGEST));
        assert!(!Arc::ptr_eq(&read(&long), &read(&long)), "a long one is not kept");
        assert!(documents.read("{ a", &limits).is_err() && documents.read("{ a", &limits).is_err());
    }
}
