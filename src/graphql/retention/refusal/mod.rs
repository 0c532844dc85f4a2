//! A refusal, as it is shown.

use crate::prelude::*;
use domain::id::RefusalId;
use domain::retention::words::{AddressKind, ContactChannel};
use storage::retention::refusal;

pub mod list;
pub mod mutations;

/// What somebody refused at an address. It belongs to the address, not to a lead: it outlives merges, changes, deletion and erasure
/// of the lead, and holds for whoever has the address, until it is lifted. The address itself is not kept, but a keyed hash of it.
#[derive(Description)]
pub struct Refusal(refusal::Model);

node!(Refusal: RefusalId, refusal::Model);

#[Object(use_type_description)]
impl Refusal {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// What sort of address it is of.
    async fn address_kind(&self) -> AddressKind {
        self.0.kind
    }

    /// The channel on which nothing may go there; null: nothing at all may.
    async fn channel(&self) -> Option<ContactChannel> {
        self.0.channel
    }

    /// How it came: a reply, a link, a list, a person.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// What was said, word for word, where there were words.
    async fn wording(&self) -> Option<&str> {
        self.0.wording.as_deref()
    }

    /// When it was said.
    async fn said_at(&self) -> DateTime {
        self.0.said_at.into()
    }

    /// When it was written down here.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was lifted; null: it holds.
    async fn lifted_at(&self) -> Option<DateTime> {
        self.0.lifted_at.map(Into::into)
    }

    /// Why it was lifted.
    async fn lifted_reason(&self) -> Option<&str> {
        self.0.lifted_source.as_deref()
    }
}
