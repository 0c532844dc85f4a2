//! What is attached to a campaign's messages: put at Telegram once by each account, and again when its reference has expired.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::Services;
use crate::imports::upload::{HEAD, Label, Told, require_room};
use domain::broadcast::MediaType;
use domain::delivery::Fault;
use domain::error::{Error, Result};
use domain::id::{TelegramAccountId, UploadId};
use storage::broadcast::account_media::{self, Column};
use storage::broadcast::campaign;
use storage::files::Local;
use telegram::live::{Connection, MediaSource, StoredMedia};

/// A picture, a film or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    kind: MediaType,
    from: From,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum From {
    Upload(UploadId),
    Url(String),
}

/// An uploaded file, as its recipients get it.
struct File {
    local: Local,
    name: String,
    mime_type: String,
}

impl File {
    /// None: it is not there.
    async fn of(on: &Services, id: UploadId, kind: MediaType) -> Result<Option<Self>> {
        let row = storage::broadcast::upload::Entity::find_by_id(id).one(on.db.reader()).await?;
        if on.files.folder().is_none() {
            let bytes = row.as_ref().map_or(0, |row| row.bytes.unsigned_abs());
            require_room(&on.rules.data_dir, bytes).await?;
        }
        let Some(local) = on.files.local(id).await? else { return Ok(None) };
        let name = row.as_ref().and_then(|row| row.name.clone());
        let label = match row.and_then(|row| row.mime_type) {
            Some(mime_type) => Label { name, mime_type },
            // It came before types were looked for. If it can't be read, the upload says so.
            None => Label::of(&Told::default(), &on.files.beginning(id, HEAD).await.unwrap_or_default()),
        };
        let stem = if kind == MediaType::Video { "video" } else { "document" };
        Ok(Some(Self { name: label.file_name(stem), mime_type: label.mime_type, local }))
    }
}

impl Attachment {
    /// The campaign's, if it has one.
    pub fn of(campaign: &campaign::Model) -> Option<Self> {
        let from = match (campaign.media_upload_id, &campaign.media_url) {
            (Some(id), _) => From::Upload(id),
            (None, Some(url)) => From::Url(url.clone()),
            (None, None) => return None,
        };
        Some(Self { kind: campaign.media_type?, from })
    }

    /// One of a test.
    #[cfg(test)]
    pub(super) fn example() -> Self {
        Self { kind: MediaType::Photo, from: From::Url("https://example.com/x.jpg".into()) }
    }

    /// The name under which what was stored is found again.
    fn source(&self) -> String {
        match &self.from {
            From::Upload(id) => format!("{} upload {id}", self.kind),
            From::Url(url) => format!("{} {url}", self.kind),
        }
    }

    /// The copy that the account has put at Telegram already.
    pub async fn stored(&self, on: &Services, by: TelegramAccountId) -> Result<Option<StoredMedia>> {
        let row = account_media::Entity::of(by, &self.source()).one(on.db.reader()).await?;
        let Some(row) = row else { return Ok(None) };
        let file_reference = STANDARD.decode(&row.file_reference).map_err(Error::internal)?;
        Ok(Some(StoredMedia { is_photo: row.is_photo, id: row.media_id, access_hash: row.access_hash, file_reference }))
    }

    /// Puts it at Telegram, and remembers that. A crash in between leaves a file there that nobody sees.
    pub async fn store(
        &self,
        on: &Services,
        by: TelegramAccountId,
        connection: &Connection,
    ) -> Result<Result<StoredMedia, Fault>> {
        let file;
        let source = match &self.from {
            From::Url(url) => MediaSource::Url(url),
            From::Upload(id) => {
                file = match File::of(on, *id, self.kind).await {
                    Ok(Some(file)) => file,
                    Ok(None) => return Ok(Err(Fault::Unreadable)),
                    // It is looked for again soon: nothing is known against the file.
                    Err(Error::Unavailable(why)) => {
                        tracing::warn!(error = format!("{why:#}"), upload = %id, "what is attached has to wait");
                        return Ok(Err(Fault::rpc(500, "FILES_AWAY")));
                    }
                    Err(error) => return Err(error),
                };
                MediaSource::File { path: file.local.path(), name: &file.name, mime_type: &file.mime_type }
            }
        };
        let media = match connection.store_media(self.kind, source).await {
            Ok(media) => media,
            Err(fault) => return Ok(Err(fault)),
        };
        let row = account_media::Model {
            account_id: by,
            source: self.source(),
            is_photo: media.is_photo,
            media_id: media.id,
            access_hash: media.access_hash,
            file_reference: STANDARD.encode(&media.file_reference),
            stored_at: on.now(),
        };
        on.db
            .write(|tx| {
                let row = row.clone().into_active_model();
                async move {
                    let mut newest = OnConflict::columns([Column::AccountId, Column::Source]);
                    newest.update_columns([
                        Column::IsPhoto,
                        Column::MediaId,
                        Column::AccessHash,
                        Column::FileReference,
                        Column::StoredAt,
                    ]);
                    Ok(account_media::Entity::insert(row)
                        .on_conflict(newest)
                        .exec_without_returning(&*tx)
                        .await
                        .map(drop)?)
                }
            })
            .await?;
        Ok(Ok(media))
    }

    /// Forgets what the account has stored: its reference has expired.
    pub async fn forget(&self, on: &Services, by: TelegramAccountId) -> Result<()> {
        on.db
            .write(|tx| {
                let forget = account_media::Entity::forget(by, &self.source());
                async move { Ok(forget.exec(&*tx).await.map(drop)?) }
            })
            .await
    }
}
