//! Enums whose words are the same in the database, in JSON and in the API.

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident $(= $graphql:literal)? { $($(#[$value_doc:meta])* $value:ident => $text:literal),+ $(,)? })+) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, sea_orm::EnumIter, sea_orm::DeriveActiveEnum,
            serde::Serialize, serde::Deserialize,
            async_graphql::Enum,
        )]
        #[sea_orm(rs_type = "String", db_type = "Text", rename_all = "SCREAMING_SNAKE_CASE")]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        $(#[graphql(name = $graphql)])?
        pub enum $name { $($(#[$value_doc])* $value),+ }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(match self { $(Self::$value => $text),+ })
            }
        }
    )+};
}

pub(crate) use words;
