//! Lifting what was refused at an address.

use crate::prelude::*;
use ::service::retention::refusal as service;
use domain::retention::words::{AddressKind, ContactChannel};

/// Which refusal is lifted. Of the addresses give exactly one.
#[derive(InputObject)]
struct LiftRefusalInput {
    /// At this email address.
    email: Option<String>,
    /// At this phone number, with its country.
    phone: Option<String>,
    /// At this name on Telegram.
    telegram_username: Option<String>,
    /// The refusal of this channel; that of everything, if it is left out. The others stay.
    channel: Option<ContactChannel>,
    /// Why, at most 200 characters: it is kept with the refusal and in the audit log.
    reason: String,
}

/// What is refused at the address now.
#[derive(SimpleObject)]
struct LiftRefusalPayload {
    /// All that was ever refused there, the latest first, lifted or not.
    refusals: Vec<Refusal>,
}

/// Changes refusals.
#[derive(Default)]
pub struct RefusalMutation;

#[Object]
impl RefusalMutation {
    /// Lifts one refusal at an address: that of a channel, or that of everything. The others stay. A lead that has the address may be
    /// contacted again as far as nothing else speaks against it. That is no consent: channels that need one still do.
    /// `PRECONDITION_FAILED` if that is not refused there.
    #[graphql(directive = requires::apply(Permission::WriteRetention))]
    async fn lift_refusal(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where, which, and why.")] input: LiftRefusalInput,
    ) -> Result<LiftRefusalPayload> {
        let LiftRefusalInput { email, phone, telegram_username, channel, reason } = input;
        let (kind, field, written) = match (email, phone, telegram_username) {
            (Some(email), None, None) => (AddressKind::Email, "email", email),
            (None, Some(phone), None) => (AddressKind::Phone, "phone", phone),
            (None, None, Some(name)) => (AddressKind::Telegram, "telegramUsername", name),
            _ => {
                let why = "give exactly one of email, phone and telegramUsername";
                return Err(Error::invalid("email", why));
            }
        };
        let address = service::normal(kind, &written, field)?;
        let on = ctx.services();
        let rows = service::lift(on, &ctx.actor(), kind, &address, channel, &reason).boxed().await?;
        Ok(LiftRefusalPayload { refusals: rows.into_iter().map(Into::into).collect() })
    }
}
