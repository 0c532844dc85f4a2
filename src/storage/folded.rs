//! What is searched and sorted stands in a column of its own, folded by Herald: databases disagree about letters.
//!
//! A noun names such columns in [`Noun::FOLDED`], and they are filled wherever a row is written: by [`noun::fresh`] for a new
//! one, by [`noun::replace`] and [`noun::touch`] for a change. The imports, which write many rows at once, fill them in their
//! statements.
//!
//! [`noun::fresh`]: crate::noun::fresh
//! [`noun::replace`]: crate::noun::replace
//! [`noun::touch`]: crate::noun::touch

use sea_orm::sea_query::{ArrayType, ColumnType, Expr, ExprTrait, IntoColumnRef, Nullable, ValueType, ValueTypeErr};
use sea_orm::{ColIdx, Condition, ModelTrait, QueryResult, TryGetError, TryGetable, Value};

use crate::noun::Noun;
use crate::sql::contains;
use domain::fold::fold;

/// A text as it is searched and sorted. Empty until the row is written: no database takes it so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded(Option<String>);

/// A column of folded text, and the columns whose texts it has.
pub type FoldedFrom<C> = (C, &'static [C]);

impl Folded {
    /// A text, folded.
    pub fn of(text: &str) -> Self {
        Self(Some(fold(text)))
    }
}

impl From<Folded> for Value {
    fn from(Folded(text): Folded) -> Self {
        Self::String(text)
    }
}

impl ValueType for Folded {
    fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(ValueTypeErr),
        }
    }

    fn type_name() -> String {
        "Folded".to_owned()
    }

    fn array_type() -> ArrayType {
        ArrayType::String
    }

    fn column_type() -> ColumnType {
        ColumnType::Text
    }
}

impl Nullable for Folded {
    fn null() -> Value {
        Value::String(None)
    }
}

impl TryGetable for Folded {
    fn try_get_by<I: ColIdx>(result: &QueryResult, index: I) -> Result<Self, TryGetError> {
        String::try_get_by(result, index).map(|text| Self(Some(text)))
    }
}

/// Several texts as one, folded: those of a row that are searched together. No word of a search spans two.
pub fn together<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    fold(&texts.into_iter().collect::<Vec<_>>().join("\n"))
}

/// Fills the folded columns of a row from its texts.
pub(crate) fn fill<N: Noun>(row: &mut N::Model) {
    for (folded, texts) in N::FOLDED {
        let texts: Vec<String> = texts
            .iter()
            .filter_map(|text| match row.get(*text) {
                Value::String(text) => text,
                _ => None,
            })
            .collect();
        row.set(*folded, together(texts.iter().map(String::as_str)).into());
    }
}

/// Whether a folded column has `part` in it, in any case; blanks around it do not count.
pub fn has(column: impl IntoColumnRef, part: &str) -> Expr {
    Expr::col(column).like(contains(&fold(part.trim())))
}

/// Whether one of these folded columns has `part` in it.
pub fn any_has(columns: &[impl IntoColumnRef + Copy], part: &str) -> Condition {
    columns.iter().fold(Condition::any(), |any, column| any.add(has(*column, part)))
}
