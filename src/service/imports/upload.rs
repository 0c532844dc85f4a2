//! Uploads: files that clients hand over, for imports and as media of messages.

mod label;
mod room;
mod sweep;

use std::fmt::Display;

use futures_util::{Stream, StreamExt};
use sea_orm::{EntityTrait, IntoActiveModel};

pub use self::label::{HEAD, Label, Told};
use self::room::Room;
pub use self::room::Tallies;
pub(crate) use self::room::require_room;
pub use self::sweep::{Astray, astray, remove_files, sweep};
use crate::{Actor, Services, Write};
use domain::error::{Error, Result};
use domain::id::{NodeId, UploadId};
use storage::broadcast::upload;

/// Takes a file as it comes, a piece at a time. Whoever sees the upload sees the whole file, also after a power cut.
///
/// # Errors
/// [`Error::PayloadTooLarge`] as soon as a limit is passed, [`Error::Unavailable`] when the disk is full, or nearly so. Nothing is
/// left behind.
pub async fn store<B, E>(
    on: &Services,
    actor: &Actor,
    body: impl Stream<Item = Result<B, E>> + Unpin,
) -> Result<upload::Model>
where
    B: AsRef<[u8]>,
    E: Display,
{
    store_announced(on, actor, None, &Told::default(), body).await
}

/// [`store`] of a file that says how long it is, and what it is called: if that is too long, nothing of it is read.
///
/// # Errors
/// As of [`store`].
pub async fn store_announced<B, E>(
    on: &Services,
    actor: &Actor,
    announced: Option<u64>,
    told: &Told,
    mut body: impl Stream<Item = Result<B, E>> + Unpin,
) -> Result<upload::Model>
where
    B: AsRef<[u8]>,
    E: Display,
{
    let user = actor.signed_in()?;
    let id = UploadId::generate();
    let limit = on.rules.upload_max_bytes;
    let mut room = Room::open(on, user).await?;
    if let Some(bytes) = announced {
        room.announce(bytes)?;
    }
    let (mut incoming, mut head) = (on.files.receive(id, limit).await?, Vec::new());
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|error| broken_off(&error))?;
        if incoming.bytes() + piece.as_ref().len() as u64 > limit {
            return Err(Error::PayloadTooLarge(format!("an upload has at most {limit} bytes")));
        }
        let piece = piece.as_ref();
        room.take(piece.len() as u64).await?;
        head.extend_from_slice(&piece[..piece.len().min(HEAD.saturating_sub(head.len()))]);
        incoming.write(piece).await?;
    }
    let label = Label::of(told, &head);
    let kept = incoming.keep().await?;
    let row = upload::Model {
        id,
        user_id: user,
        node_id: on.node,
        bytes: i64::try_from(kept.bytes).map_err(Error::internal)?,
        created_at: on.now(),
        used_at: None,
        name: label.name,
        mime_type: Some(label.mime_type),
    };
    let new = &row;
    on.write(actor, |w| async move {
        Ok(upload::Entity::insert(new.clone().into_active_model()).exec_without_returning(&w).await?)
    })
    .await?;
    kept.forget();
    room.keep();
    Ok(row)
}

/// Notes that something uses the upload, so that it does not vanish after a day; `NOT_FOUND` if there is none.
pub async fn mark_used(w: &Write, id: UploadId) -> Result<upload::Model> {
    let old = w.require(id).await?;
    w.replace(&old, upload::Model { used_at: Some(w.now), ..old.clone() }).await
}

/// The body was cut off on its way: the sender's doing, or the network's.
fn broken_off(why: &impl Display) -> Error {
    Error::Invalid(vec![domain::error::Violation {
        path: vec!["file".into()],
        message: format!("the upload broke off: {why}"),
    }])
}

/// Whose files are looked after: this node's, or, where all share a place, everybody's.
fn of(on: &Services) -> Option<NodeId> {
    on.files.shared().is_none().then_some(on.node)
}
