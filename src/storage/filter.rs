//! Which rows of a list are wanted, in plain values.

use std::hash::Hash;

use sea_orm::{Condition, EntityTrait, QueryFilter, Select};

/// Which rows of a table are wanted: all that is given must hold.
pub trait Filter<E: EntityTrait>: Clone + Eq + Hash + Send + Sync + 'static {
    /// It as a condition on the rows.
    fn condition(&self) -> Condition;

    /// Those of `select` that are wanted.
    fn cut(&self, select: Select<E>) -> Select<E> {
        let condition = self.condition();
        if condition.is_empty() { select } else { select.filter(condition) }
    }
}

/// All rows are wanted.
impl<E: EntityTrait> Filter<E> for () {
    fn condition(&self) -> Condition {
        Condition::all()
    }
}

/// A struct of optional fields, of which each that is given adds its condition: `name: String => |name| Column::Name.eq(name)`.
macro_rules! filter {
    ($(#[$about:meta])* $name:ident of $entity:ty { $($field:ident: $value:ty => $condition:expr,)+ }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
        pub struct $name {
            $(pub $field: Option<$value>,)+
        }

        impl $crate::filter::Filter<$entity> for $name {
            fn condition(&self) -> sea_orm::Condition {
                let given = self.clone();
                sea_orm::Condition::all()$(.add_option(given.$field.map($condition)))+
            }
        }
    };
}

pub(crate) use filter;
