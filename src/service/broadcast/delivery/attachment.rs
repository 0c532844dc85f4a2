//! What is attached to a campaign's messages: put at Telegram once by each account, and again when its reference has expired.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sea_orm::sea_query::OnConflict;
use sea_orm::{EntityTrait, IntoActiveModel};

use crate::Services;
use crate::broadcast::upload;
use domain::broadcast::MediaType;
use domain::delivery::Fault;
use domain::error::{Error, Result};
use domain::id::{TelegramAccountId, UploadId};
use storage::broadcast::account_media::{self, Column};
use storage::broadcast::campaign;
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
                file = upload::path(on, *id);
                MediaSource::File(&file)
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
