//! A lead, as it is shown.

use sea_orm::Iterable;

use crate::prelude::*;
use domain::id::LeadId;
use domain::retention::words::{ConsentKind, ContactChannel, LeadStatus};
use storage::retention::{campaign_lead, consent, contact_attempt, conversion, enrollment, lead};

pub(super) mod fields;
pub mod list;
pub mod mutations;
pub mod person;

/// A person that retention writes to.
#[derive(Description)]
pub struct Lead(lead::Model);

node!(Lead: LeadId, lead::Model);

#[Object(use_type_description)]
impl Lead {
    /// The id, opaque and unique among all types.
    pub(crate) async fn id(&self) -> ID {
        self.0.id.global()
    }

    /// Its id in another system, such as a CRM.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// The given name.
    async fn first_name(&self) -> Option<&str> {
        self.0.first_name.as_deref()
    }

    /// The family name.
    async fn last_name(&self) -> Option<&str> {
        self.0.last_name.as_deref()
    }

    /// The address in small letters; no other lead has it. Null if your role may not see how leads are reached.
    async fn email(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.email.as_deref().filter(|_| may_see_contacts(ctx))
    }

    /// The number in E.164, such as `+4915123456789`; no other lead has it. Null if your role may not see how leads are
    /// reached.
    async fn phone(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.phone.as_deref().filter(|_| may_see_contacts(ctx))
    }

    /// The name on Telegram, without `@`. Null if your role may not see how leads are reached.
    async fn telegram_username(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.telegram_username.as_deref().filter(|_| may_see_contacts(ctx))
    }

    /// Where it came from, in capitals: MANUAL, UPLOAD, API, CRM and others.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// How far it is.
    async fn status(&self) -> LeadStatus {
        self.0.status
    }

    /// The channels on which it must not be contacted: all of them if its status is `DO_NOT_CONTACT`.
    async fn do_not_contact(&self) -> Vec<ContactChannel> {
        ContactChannel::iter().filter(|channel| self.0.refuses(*channel)).collect()
    }

    /// What it agreed to and what it took back, oldest first.
    async fn consents(&self, ctx: &Context<'_>) -> Result<Vec<Consent>> {
        let found = ctx.loaders().one(ConsentsOf(self.0.id)).await?;
        Ok(found.unwrap_or_default().into_iter().map(Consent).collect())
    }

    /// Custom fields: an object of your own making.
    async fn meta(&self) -> Json {
        Json(self.0.meta.clone())
    }

    /// What people noted. Null if your role may not see it.
    async fn notes(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.notes.as_deref().filter(|_| may_see_contacts(ctx))
    }

    /// Where it lives, as an IANA time zone: contact hours are those of this clock. Null: the campaign's.
    async fn time_zone(&self) -> Option<&str> {
        self.0.time_zone.as_deref()
    }

    /// What it speaks, as a BCP 47 tag such as `de` or `pt-BR`.
    async fn language(&self) -> Option<&str> {
        self.0.language.as_deref()
    }

    /// When it became known.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }

    /// When it was last changed.
    async fn updated_at(&self) -> DateTime {
        self.0.updated_at.into()
    }

    /// Rises with each change. Give it as `expectedVersion` to change only what you have seen.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The campaigns that it is in, the latest assignment first.
    async fn campaign_leads(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<CampaignLead>> {
        let list = List::latest(campaign_lead::Entity::with, campaign_lead::Column::AssignedAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// Every contact to it on any channel, the latest first.
    async fn contact_attempts(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ContactAttempt>> {
        let list = List::latest(contact_attempt::Entity::to, contact_attempt::Column::StartedAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// The sequences that it goes through, or went through, the latest first.
    async fn sequence_enrollments(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SequenceEnrollment>> {
        let list = List::latest(enrollment::Entity::with, enrollment::Column::EnrolledAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }

    /// What came of the contacts to it: sales, sign-ups and the like, the latest first.
    async fn conversions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "So many of the first, 25 by default, at most 100.")] first: Option<i32>,
        #[graphql(desc = "Only what comes after this cursor.")] after: Option<String>,
        #[graphql(desc = "So many of the last, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Only what comes before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Conversion>> {
        let list = List::latest(conversion::Entity::by, conversion::Column::CreatedAt);
        nested::connection(ctx, self.0.id, list, PageArgs::new(ctx, first, after, last, before)).await
    }
}

/// Whether the viewer may see how leads are reached, and what was noted of them.
pub fn may_see_contacts(ctx: &Context<'_>) -> bool {
    ctx.viewer().role.may(Permission::ReadContacts)
}

/// What a lead agreed to, or took back: kept as proof.
#[derive(Description)]
pub struct Consent(consent::Model);

#[Object(use_type_description)]
impl Consent {
    /// The channel that it is about; null if it is about all.
    async fn channel(&self) -> Option<ContactChannel> {
        self.0.channel
    }

    /// Whether the lead agreed, or took it back.
    async fn kind(&self) -> ConsentKind {
        self.0.kind
    }

    /// How it came: the name of a form, a call, a STOP, an import.
    async fn source(&self) -> &str {
        &self.0.source
    }

    /// What the lead agreed to, word for word, or the version of that text.
    async fn wording(&self) -> Option<&str> {
        self.0.wording.as_deref()
    }

    /// When the lead said so.
    async fn given_at(&self) -> DateTime {
        self.0.given_at.into()
    }

    /// When it was written down here.
    async fn created_at(&self) -> DateTime {
        self.0.created_at.into()
    }
}

question! {
    /// The consents of a lead.
    ConsentsOf(LeadId) -> Vec<consent::Model> = |db, leads| {
        let rows = consent::Entity::of(&leads).all(db).await?;
        grouped(rows.into_iter().map(|row| (row.lead_id, row)))
    }
}
