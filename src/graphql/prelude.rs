//! What nearly every noun's file needs.

pub use std::collections::HashMap;

pub use async_graphql::async_trait::async_trait;
pub use async_graphql::dataloader::Loader;
pub use async_graphql::{Context, Enum, ID, InputObject, MaybeUndefined, Object, SimpleObject, Subscription};

pub use crate::access::api_token::ApiToken;
pub use crate::access::audit::AuditLog;
pub use crate::access::user::User;
pub use crate::broadcast::batch::Batch;
pub use crate::broadcast::campaign::BroadcastCampaign;
pub use crate::broadcast::channel::Channel;
pub use crate::broadcast::channel_import::ChannelImport;
pub use crate::broadcast::job::Job;
pub use crate::broadcast::telegram_account::TelegramAccount;
pub use crate::broadcast::template::Template;
pub use crate::engine::connection::{Connection, OrderDirection, PageArgs};
pub use crate::engine::context::ContextExt;
pub use crate::engine::guard::requires;
pub use crate::engine::id::{GlobalId, ReadId};
pub use crate::engine::loaders::{Load, LoadError, Reader};
pub use crate::engine::nested::{self, Nested};
pub use crate::engine::scalar::{BigInt, DateTime, Decimal, Json};
pub use crate::retention::ab_test::AbTest;
pub use crate::retention::campaign::RetentionCampaign;
pub use crate::retention::campaign_lead::CampaignLead;
pub use crate::retention::contact_attempt::ContactAttempt;
pub use crate::retention::conversion::Conversion;
pub use crate::retention::conversion_rule::ConversionRule;
pub use crate::retention::enrollment::SequenceEnrollment;
pub use crate::retention::integration::IntegrationConfig;
pub use crate::retention::lead::Lead;
pub use crate::retention::lead_import::LeadImport;
pub use crate::retention::script::Script;
pub use crate::retention::sequence::RetentionSequence;
pub use crate::retention::step::SequenceStep;
pub use crate::retention::step_execution::SequenceStepExecution;
pub use ::service::once::{once, once_moving};
pub use domain::error::{Error, Result, Violation};
pub use domain::role::Permission;
pub use storage::Noun;
pub use storage::page::Sort;
