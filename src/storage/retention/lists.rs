//! Short lists that stand in one column, as JSON.

use sea_orm::FromJsonQueryResult;
use serde::{Deserialize, Serialize};

use domain::retention::words::{ContactChannel, ContactDay};

/// Channels, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Channels(pub Vec<ContactChannel>);

/// Days of the week, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Days(pub Vec<ContactDay>);

/// Texts, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Texts(pub Vec<String>);
