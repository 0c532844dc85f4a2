//! Ending sessions of others.

use super::Session;
use crate::prelude::*;
use ::service::access::session as service;

/// Which session is to be ended.
#[derive(InputObject)]
struct EndUserSessionInput {
    /// Which session.
    id: ID,
}

/// The session that was ended.
#[derive(SimpleObject)]
struct EndUserSessionPayload {
    /// The session as it was.
    session: Session,
}

/// Ends sessions of others.
#[derive(Default)]
pub struct UserSessionMutation;

#[Object]
impl UserSessionMutation {
    /// Ends a session of anybody: its tokens are refused from now on, and its sockets are closed. A second time changes nothing.
    #[graphql(directive = requires::apply(Permission::Administer))]
    async fn end_user_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which session.")] input: EndUserSessionInput,
    ) -> Result<EndUserSessionPayload> {
        let id = input.id.input("id")?;
        let session = service::end(ctx.services(), &ctx.actor(), id).boxed().await?;
        Ok(EndUserSessionPayload { session: session.into() })
    }
}
