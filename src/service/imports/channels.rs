//! Imports of channels, from JSON lines.

use chrono::{DateTime, Utc};
use sea_orm::{EntityTrait, IntoActiveModel};

use super::records::Record;
use super::{Importable, Lines, Wanted, queued};
use crate::{Actor, Services};
use domain::audit::Action;
use domain::channel_line::{self, ChannelLine};
use domain::encoding::FileEncoding;
use domain::error::Result;
use domain::id::{ChannelId, ChannelImportId, UploadId};
use events::Event;
use storage::broadcast::channel_import::{Entity, Model};
use storage::broadcast::channel_staging::{self, Batch, NewChannel};
use storage::imports::Counts;

/// Asks for the import of an uploaded file; the node that has the file does the work.
///
/// # Errors
/// `NOT_FOUND` if there is no such upload, [`Error::Precondition`](domain::error::Error::Precondition) if its file is no
/// longer there.
pub async fn create(on: &Services, actor: &Actor, upload: UploadId, encoding: Option<FileEncoding>) -> Result<Model> {
    on.write(actor, |w| async move {
        let row = Model::of(ChannelImportId::generate(), queued::<Entity>(on, &w, upload, encoding).await?);
        Entity::insert(row.clone().into_active_model()).exec_without_returning(&w).await?;
        w.tell(Event::Import(row.id));
        // Its audit line comes when it is done.
        w.done(row.id, &()).await?;
        Ok(row)
    })
    .await
}

impl Importable for Entity {
    const NAME: &'static str = "imports of channels";
    const ENDED: Action = Action::ChannelImported;
    const FILLED: &'static str = "channels";
    // PostgreSQL: twice as many were 2 % faster. SQLite: 25 ms, at most 40.
    const BATCH_LINES: (i64, i64) = (10_000, 600);

    type Lines = Channels;

    fn lines(_: &Services, import: &Model) -> Result<Channels> {
        Ok(Channels { now: import.created_at, found: Vec::new() })
    }

    async fn write(on: &Services, id: ChannelImportId, batch: &Batch) -> Result<Option<Counts>> {
        channel_staging::write(&on.db, id, batch, on.now()).await
    }

    fn event(id: ChannelImportId) -> Event {
        Event::Import(id)
    }

    fn is_told_by(event: &Event) -> bool {
        matches!(event, Event::Import(_))
    }
}

/// The channels of a batch.
pub struct Channels {
    /// When channels of lines that do not say were collected.
    now: DateTime<Utc>,
    found: Vec<ChannelLine>,
}

impl Lines for Channels {
    type Row = NewChannel;

    fn wanted(&self) -> Wanted {
        Wanted::Objects("such as {\"username\":\"durov\",\"category\":\"news\"}")
    }

    fn read(&mut self, record: Record, bytes: &[u8]) -> Option<Result<Option<String>, String>> {
        let read = if record.is_cut { Err(channel_line::too_long()) } else { channel_line::parse(bytes)? };
        Some(read.map(|mut line| {
            let told = line.left_out.take();
            self.found.push(line);
            told
        }))
    }

    /// Each username once, as the first line that has it says, in the order of the usernames.
    fn rows(&mut self) -> Vec<NewChannel> {
        let mut found = std::mem::take(&mut self.found);
        found.sort_by(|a, b| a.username.cmp(&b.username));
        found.dedup_by(|later, first| later.username == first.username);
        let channel = |line: ChannelLine| NewChannel {
            id: ChannelId::generate(),
            username: line.username,
            category: line.category,
            tgstat_url: line.tgstat_url,
            collected_at: line.collected_at.unwrap_or(self.now),
        };
        found.into_iter().map(channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::channel_line::LINE_LIMIT;
    use domain::id::UploadId;
    use storage::files::Files;

    use super::super::reader::{BATCH_BYTES, Batches, Source};
    use super::*;

    fn batches(text: &[u8], from: i64, batch_lines: i64, errors: usize) -> Vec<Batch> {
        let folder = tempfile::tempdir().unwrap();
        let (files, upload) = (Files::within(folder.path()), UploadId::generate());
        std::fs::create_dir(folder.path().join("uploads")).unwrap();
        std::fs::write(files.file(upload).unwrap(), text).unwrap();
        let source = Source { files, upload, from, lines: None, batch_lines, errors, encoding: FileEncoding::Utf8 };
        let channels = Channels { now: DateTime::UNIX_EPOCH, found: Vec::new() };
        let mut batches = Batches::open(source, channels).unwrap();
        std::iter::from_fn(|| batches.next().unwrap()).collect()
    }

    fn line(name: &str) -> String {
        format!("{{\"username\":\"{name}\",\"category\":\"tech\"}}\n")
    }

    fn names(batch: &Batch) -> Vec<&str> {
        batch.rows.iter().map(|channel| channel.username.as_str()).collect()
    }

    #[test]
    fn a_batch_is_sorted_and_has_each_name_once_and_empty_lines_only_count_as_numbers() {
        let text = format!("\u{feff}{}\r\n\n{}broken\n{}", line("zzzz"), line("@AAAA"), line("zZzz").trim_end());
        let batches = batches(text.as_bytes(), 0, 100, 10);
        assert_eq!(batches.len(), 1);
        assert_eq!(names(&batches[0]), ["aaaa", "zzzz"]);
        assert!(batches[0].rows[0].id < batches[0].rows[1].id);
        assert_eq!((batches[0].lines, batches[0].invalid), (4, 1));
        assert_eq!(batches[0].errors[0].0, 5);
        assert_eq!(batches[0].bytes, 0..i64::try_from(text.len()).unwrap());
    }

    #[test]
    fn reading_goes_on_in_the_middle_with_the_right_numbers() {
        let text = format!("{}x\n\n{}y\n", line("aaaa"), line("bbbb"));
        let whole = batches(text.as_bytes(), 0, 2, 10);
        assert_eq!(whole.iter().map(|batch| batch.lines).collect::<Vec<_>>(), [2, 2]);
        let rest = batches(text.as_bytes(), whole[0].bytes.end, 2, 10);
        assert_eq!((names(&rest[0]), rest[0].errors[0].0, &rest[0].bytes), (vec!["bbbb"], 5, &whole[1].bytes));
        assert!(batches(text.as_bytes(), whole[1].bytes.end, 2, 10).is_empty());
    }

    #[test]
    fn a_line_without_an_end_takes_no_memory_and_only_so_many_errors_are_told() {
        let long = format!("{{\"username\":\"{}\n", "x".repeat(5 * LINE_LIMIT));
        let text = format!("{long}{}{long}{}", line("aaaa"), "x".repeat(LINE_LIMIT * 3));
        let batches = batches(text.as_bytes(), 0, 100, 2);
        assert_eq!((batches[0].lines, batches[0].invalid), (4, 3));
        assert_eq!(batches[0].errors.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(batches[0].errors[0].1, channel_line::too_long());
    }

    #[test]
    fn a_batch_ends_after_so_many_bytes_too() {
        let text = "\n".repeat(usize::try_from(BATCH_BYTES).unwrap() + 10);
        let batches = batches(text.as_bytes(), 0, 100, 0);
        let ends: Vec<u64> = batches.iter().map(|batch| batch.bytes.end.unsigned_abs()).collect();
        assert_eq!(ends, [BATCH_BYTES, BATCH_BYTES + 10]);
    }
}
