//! Lists of refusals.

use sea_orm::{ColumnTrait, QueryFilter};

use crate::prelude::*;
use ::service::retention::refusal as service;
use domain::retention::words::{AddressKind, ContactChannel};
use storage::retention::refusal;

/// Which refusals are wanted. All that is given must hold. Of the addresses give one: it is looked up by its hash.
#[derive(InputObject, Default)]
struct RefusalFilter {
    /// Those at this email address.
    email: Option<String>,
    /// Those at this phone number, with its country.
    phone: Option<String>,
    /// Those at this name on Telegram.
    telegram_username: Option<String>,
    /// Of one of these channels.
    channels: Option<Vec<ContactChannel>>,
    /// Only those that hold, or only those that were lifted.
    is_in_force: Option<bool>,
}

/// Reads refusals.
#[derive(Default)]
pub struct RefusalQuery;

#[Object]
impl RefusalQuery {
    /// What was refused at addresses, the latest first, lifted or not; `totalCount` counts them.
    #[graphql(directive = requires::apply(Permission::ReadContacts))]
    async fn refusals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
        #[graphql(desc = "Which refusals.")] filter: Option<RefusalFilter>,
    ) -> Result<Option<Connection<Refusal>>> {
        let RefusalFilter { email, phone, telegram_username, channels, is_in_force } = filter.unwrap_or_default();
        let mut select = <refusal::Entity as Noun>::all();
        for (kind, field, written) in [
            (AddressKind::Email, "email", email),
            (AddressKind::Phone, "phone", phone),
            (AddressKind::Telegram, "telegramUsername", telegram_username),
        ] {
            let Some(written) = written else { continue };
            let address = service::normal(kind, &written, field)?;
            let hashes = service::marks_at(ctx.services(), kind, &address).into_iter().map(|mark| mark.hash);
            select = select.filter(refusal::Column::Hash.is_in(hashes));
        }
        if let Some(channels) = channels {
            select = select.filter(refusal::Column::Channel.is_in(channels));
        }
        select = match is_in_force {
            Some(true) => select.filter(refusal::Column::LiftedAt.is_null()),
            Some(false) => select.filter(refusal::Column::LiftedAt.is_not_null()),
            None => select,
        };
        let args = PageArgs::new(ctx, first, after, last, before);
        let latest = Sort::by(refusal::Column::CreatedAt).descending(true);
        Connection::read(ctx, select, latest, &args).await.map(Some)
    }
}
