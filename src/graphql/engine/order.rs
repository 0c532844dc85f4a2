//! How lists are sorted: one input for all of them, which each noun fills with what its lists can be sorted by.

use std::borrow::Cow;

use async_graphql::indexmap::IndexMap;
use async_graphql::registry::{MetaInputValue, MetaType, MetaTypeId, Registry};
use async_graphql::{InputObjectType, InputType, InputValueError, InputValueResult, Name, Value};
use sea_orm::EntityTrait;

use super::connection::OrderDirection;
use storage::page::Sort;

/// What lists of one kind can be sorted by.
pub trait OrderField: InputType + Copy {
    /// What is listed.
    type Entity: EntityTrait;
    /// The name of the order, as the schema has it.
    const NAME: &'static str;
    /// What the schema says of the order.
    const ABOUT: &'static str;
    /// The order of a list for which none is asked.
    const DEFAULT: Order<Self>;

    /// The order from the least to the greatest.
    fn sort(self) -> Sort<Self::Entity>;
}

/// How a list is sorted.
#[derive(Debug, Clone, Copy)]
pub struct Order<F> {
    /// What decides the order.
    pub field: F,
    /// Which end of the order comes first.
    pub direction: OrderDirection,
}

impl<F> Order<F> {
    /// From the least to the greatest.
    pub const fn rising(field: F) -> Self {
        Self { field, direction: OrderDirection::Asc }
    }

    /// From the greatest to the least.
    pub const fn falling(field: F) -> Self {
        Self { field, direction: OrderDirection::Desc }
    }
}

impl<F: OrderField> Order<F> {
    /// The order of a list for which this one may have been asked.
    pub fn sort(order: Option<Self>) -> Sort<F::Entity> {
        let Self { field, direction } = order.unwrap_or(F::DEFAULT);
        field.sort().descending(direction.is_desc())
    }
}

/// As `InputObject` would write it, which knows generic inputs only where all their names stand beside them.
impl<F: OrderField> InputType for Order<F> {
    type RawValueType = Self;

    fn type_name() -> Cow<'static, str> {
        F::NAME.into()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        registry.create_input_type::<Self, _>(MetaTypeId::InputObject, |registry| {
            let direction = OrderDirection::Asc.to_value().to_string();
            let fields = [
                input::<F>(registry, "field", "What decides the order.", None),
                input::<OrderDirection>(registry, "direction", "Which end of the order comes first.", Some(direction)),
            ];
            MetaType::InputObject {
                name: F::NAME.to_owned(),
                description: Some(F::ABOUT.trim().to_owned()),
                input_fields: fields.into_iter().map(|field| (field.name.clone(), field)).collect(),
                visible: None,
                inaccessible: false,
                tags: Vec::new(),
                rust_typename: Some(std::any::type_name::<Self>()),
                oneof: false,
                directive_invocations: Vec::new(),
            }
        })
    }

    fn parse(value: Option<Value>) -> InputValueResult<Self> {
        let Some(Value::Object(given)) = value else {
            return Err(InputValueError::expected_type(value.unwrap_or_default()));
        };
        let field = F::parse(given.get("field").cloned()).map_err(InputValueError::propagate)?;
        let direction = match given.get("direction") {
            Some(direction) => InputType::parse(Some(direction.clone())).map_err(InputValueError::propagate)?,
            None => OrderDirection::Asc,
        };
        Ok(Self { field, direction })
    }

    fn to_value(&self) -> Value {
        let fields = [("field", self.field.to_value()), ("direction", self.direction.to_value())];
        Value::Object(fields.into_iter().map(|(name, value)| (Name::new(name), value)).collect::<IndexMap<_, _>>())
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
}

impl<F: OrderField> InputObjectType for Order<F> {}

fn input<T: InputType>(registry: &mut Registry, name: &str, about: &str, default: Option<String>) -> MetaInputValue {
    MetaInputValue {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        ty: T::create_type_info(registry),
        deprecation: async_graphql::registry::Deprecation::NoDeprecated,
        default_value: default,
        visible: None,
        inaccessible: false,
        tags: Vec::new(),
        is_secret: false,
        directive_invocations: Vec::new(),
    }
}

/// What a noun's lists can be sorted by, each with how that is done; then the order, and what a list has if none is asked for.
///
/// ```text
/// order! {
///     /// What leads can be sorted by.
///     enum LeadOrderField of lead::Entity {
///         /// The instant at which they became known.
///         CreatedAt => Sort::by(Column::CreatedAt),
///     }
///     /// How leads are sorted.
///     LeadOrder, falling CreatedAt
/// }
/// ```
macro_rules! order {
    (
        $(#[$what:meta])* $public:vis enum $field:ident of $entity:ty {
            $($(#[$by:meta])* $name:ident => $sort:expr,)+
        }
        #[doc = $about:literal] $order:ident, $direction:ident $default:ident
    ) => {
        $(#[$what])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, async_graphql::Enum)]
        $public enum $field {
            $($(#[$by])* $name,)+
        }

        #[doc = $about]
        $public type $order = $crate::engine::order::Order<$field>;

        impl $crate::engine::order::OrderField for $field {
            type Entity = $entity;

            const NAME: &'static str = stringify!($order);
            const ABOUT: &'static str = $about;
            const DEFAULT: $order = $order::$direction(Self::$default);

            fn sort(self) -> storage::page::Sort<$entity> {
                match self {
                    $(Self::$name => $sort,)+
                }
            }
        }
    };
}

pub(crate) use order;
