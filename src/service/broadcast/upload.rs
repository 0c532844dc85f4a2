//! Uploads: files that clients hand over, for imports and as media of messages.

mod receive;
mod sweep;

use std::fmt::Display;
use std::path::{Path, PathBuf};

use futures_util::{Stream, StreamExt};
use sea_orm::ActiveValue::Set;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};

use self::receive::Incoming;
pub use self::sweep::sweep;
use crate::{Actor, Services};
use domain::error::{Error, Result};
use domain::id::UploadId;
use storage::Noun;
use storage::Tx;
use storage::broadcast::upload;

/// Where the files of uploads lie in a data folder.
pub fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("uploads")
}

/// Where the file of an upload lies, if this node has it.
pub fn path(on: &Services, id: UploadId) -> PathBuf {
    folder(&on.rules.data_dir).join(id.to_string())
}

/// Takes a file as it comes, a piece at a time. Whoever sees the upload sees the whole file, also after a power cut.
///
/// # Errors
/// [`Error::PayloadTooLarge`] as soon as the limit is passed, [`Error::Unavailable`] when the disk is full; nothing is left
/// behind.
pub async fn store<B, E>(
    on: &Services,
    actor: &Actor,
    mut body: impl Stream<Item = Result<B, E>> + Unpin,
) -> Result<upload::Model>
where
    B: AsRef<[u8]>,
    E: Display,
{
    let user = actor.signed_in()?;
    let id = UploadId::generate();
    let limit = on.rules.upload_max_bytes;
    let mut incoming = Incoming::open(path(on, id)).await?;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| broken_off(&error))?;
        if incoming.bytes() + piece.as_ref().len() as u64 > limit {
            return Err(Error::PayloadTooLarge(format!("an upload has at most {limit} bytes")));
        }
        incoming.write(piece.as_ref()).await?;
    }
    let kept = incoming.keep().await?;
    let row = upload::Model {
        id,
        user_id: user,
        node_id: on.node,
        bytes: i64::try_from(kept.bytes()).map_err(Error::internal)?,
        created_at: on.now(),
        used_at: None,
    };
    let new = &row;
    on.db
        .write(|tx| async move {
            Ok(upload::Entity::insert(new.clone().into_active_model()).exec_without_returning(&*tx).await?)
        })
        .await?;
    kept.forget();
    Ok(row)
}

/// Notes that something uses the upload, so that it does not vanish after a day; `NOT_FOUND` if there is none.
pub async fn mark_used(on: &Services, tx: &Tx, id: UploadId) -> Result<upload::Model> {
    let row = upload::Entity::require(tx, id).await?;
    let mut used = row.into_active_model();
    used.used_at = Set(Some(on.now()));
    Ok(used.update(tx).await?)
}

/// The body was cut off on its way: the sender's doing, or the network's.
fn broken_off(why: &impl Display) -> Error {
    Error::Invalid(vec![domain::error::Violation { path: Vec::new(), message: format!("the upload broke off: {why}") }])
}
