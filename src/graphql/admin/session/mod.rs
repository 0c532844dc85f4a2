//! Sessions, as an admin sees them.

use crate::prelude::*;
use domain::id::SessionId;
use storage::access::session;

pub mod mutations;

/// A session of a user, from a login on. It ends when it is ended, or after 30 days in which it was not used.
#[derive(Description)]
pub struct Session(session::Model);

node!(Session: SessionId, session::Model);

#[Object(use_type_description)]
impl Session {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Who has signed in.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::if_visible(ctx, self.0.user_id).await
    }

    /// When that was.
    async fn began_at(&self) -> DateTime {
        self.0.began_at.into()
    }

    /// When it was last renewed: that is every 15 minutes while it is used.
    async fn seen_at(&self) -> DateTime {
        self.0.seen_at.into()
    }

    /// From which address it was renewed; null if that is not known.
    async fn ip_address(&self) -> Option<&str> {
        self.0.ip_address.as_deref()
    }

    /// What the program called itself that renewed it; null if that is not known.
    async fn user_agent(&self) -> Option<&str> {
        self.0.user_agent.as_deref()
    }
}
