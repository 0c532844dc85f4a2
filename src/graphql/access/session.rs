//! Signing in and out.

use crate::prelude::*;
use ::service::access::session::{self as service, Session, Tokens};
use ::service::access::user;

/// Who asks.
#[derive(Default)]
pub struct SessionQuery;

#[Object]
impl SessionQuery {
    /// Who asks.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn viewer(&self, ctx: &Context<'_>) -> User {
        ctx.viewer().clone().into()
    }
}

/// Who signs in.
#[derive(InputObject)]
struct LoginInput {
    /// The name, in any case.
    username: String,
    /// The secret that goes with the name, letter for letter.
    #[graphql(secret)]
    password: String,
}

/// What carries a session on.
#[derive(InputObject)]
struct RefreshSessionInput {
    /// The refresh token that came last.
    #[graphql(secret)]
    refresh_token: String,
}

/// The tokens of a session.
#[derive(SimpleObject)]
struct SessionPayload {
    /// Goes with each request: `Authorization: Bearer ...`. It holds for 15 minutes.
    access_token: String,
    /// Gives new tokens, once; it holds for 30 days. One that comes again within 30 seconds gives tokens of the same session;
    /// later it ends the session.
    refresh_token: String,
    /// When the access token ends.
    expires_at: DateTime,
    /// Who signed in.
    user: User,
}

impl From<Tokens> for SessionPayload {
    fn from(Tokens { access, refresh, expires_at, user }: Tokens) -> Self {
        Self { access_token: access, refresh_token: refresh, expires_at: expires_at.into(), user: user.into() }
    }
}

/// With what an open socket goes on.
#[derive(InputObject)]
struct RenewSocketInput {
    /// A new access token of the same user, as `refreshSession` gives it.
    #[graphql(secret)]
    access_token: String,
}

/// The socket goes on.
#[derive(SimpleObject)]
struct RenewSocketPayload {
    /// When it ends, unless it is renewed again; null if never.
    expires_at: Option<DateTime>,
    /// Whose it is.
    user: User,
}

/// Which sessions end.
#[derive(InputObject)]
struct LogoutInput {
    /// All sessions of the viewer, on all devices, instead of this one alone.
    #[graphql(default)]
    everywhere: bool,
}

/// The session has ended.
#[derive(SimpleObject)]
struct LogoutPayload {
    /// Whose session it was.
    user: User,
}

/// The old and the new password.
#[derive(InputObject)]
struct ChangePasswordInput {
    /// The password until now.
    #[graphql(secret)]
    current_password: String,
    /// The password from now on: 12 to 128 characters of any kind.
    #[graphql(secret)]
    new_password: String,
}

/// The password has been changed.
#[derive(SimpleObject)]
struct ChangePasswordPayload {
    /// Whose password.
    user: User,
}

/// Opens and ends sessions.
#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Signs in.
    #[graphql(directive = requires::apply(Permission::Anyone))]
    async fn login(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Name and password.")] input: LoginInput,
    ) -> Result<SessionPayload> {
        let LoginInput { username, password } = input;
        Ok(service::login(ctx.services(), &ctx.actor(), &username, password).boxed().await?.into())
    }

    /// Gives new tokens for a refresh token, which is used up.
    #[graphql(directive = requires::apply(Permission::Anyone))]
    async fn refresh_session(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The refresh token.")] input: RefreshSessionInput,
    ) -> Result<SessionPayload> {
        Ok(service::refresh(ctx.services(), &ctx.actor(), &input.refresh_token).boxed().await?.into())
    }

    /// Lets the open WebSocket over which this is sent go on with a new access token: it does not end with the old one, and its
    /// subscriptions miss nothing. `PRECONDITION_FAILED` for another user's token, after a change of the role, and by HTTP.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn renew_socket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new access token.")] input: RenewSocketInput,
    ) -> Result<RenewSocketPayload> {
        let caller = ctx.caller();
        let Some(socket) = &caller.socket else {
            let message = "this did not come over a WebSocket: send the new token with the next request";
            return Err(Error::Precondition(message.into()));
        };
        let renewed = service::renew(ctx.services(), session(ctx)?, &input.access_token, caller.address.as_deref());
        let session = renewed.boxed().await?;
        socket.renew(session.clone());
        Ok(RenewSocketPayload { expires_at: session.expires_at.map(Into::into), user: session.user.into() })
    }

    /// Ends the session: its tokens are refused from now on.
    #[graphql(directive = requires::apply(Permission::SignedIn))]
    async fn logout(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which sessions; without it, this one.")] input: Option<LogoutInput>,
    ) -> Result<LogoutPayload> {
        let (session, everywhere) = (session(ctx)?, input.is_some_and(|input| input.everywhere));
        service::logout(ctx.services(), &ctx.actor(), session, everywhere).boxed().await?;
        Ok(LogoutPayload { user: session.user.clone().into() })
    }

    /// Changes one's own password. One's other sessions end.
    #[graphql(directive = requires::apply(Permission::ChangeOwnPassword), directive = needs_login::apply())]
    async fn change_password(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The old and the new password.")] input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let ChangePasswordInput { current_password, new_password } = input;
        let (current, new) = (current_password.into(), new_password.into());
        let user = user::change_password(ctx.services(), &ctx.actor(), session(ctx)?, current, new).boxed().await?;
        Ok(ChangePasswordPayload { user: user.into() })
    }
}

/// The session of a request that needs one.
pub(super) fn session<'a>(ctx: &'a Context<'_>) -> Result<&'a Session> {
    ctx.caller().session.as_ref().ok_or(Error::Unauthenticated("sign in first"))
}
