//! What the rows of all nouns have in common: how they are found, locked and changed.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Value;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IdenStatic, IntoActiveModel,
    Iterable, ModelTrait, QueryFilter, QuerySelect, Select,
};

use crate::folded::{self, FoldedFrom};
use domain::error::{Error, Result};
use domain::id::NounId;

/// The table of a noun. [`noun!`] implements it, in a line beside the entity.
pub trait Noun: EntityTrait + Send + Sync {
    /// The noun's id.
    type Id: Keyed<Noun = Self>;

    /// The column of the id.
    const ID: Self::Column;

    /// The columns of folded text, each with those whose texts it has.
    const FOLDED: &'static [FoldedFrom<Self::Column>] = &[];

    /// The id of a row.
    fn id(row: &Self::Model) -> Self::Id;

    /// All rows that the API shows.
    fn all() -> Select<Self> {
        Self::find()
    }

    /// The rows that can be changed: deleted ones, of which some tables keep a trace, are not among them.
    fn changeable() -> Select<Self> {
        Self::find()
    }

    /// Those of `ids` that are there.
    fn by_ids(ids: &[Self::Id]) -> Select<Self> {
        Self::all().filter(Self::ID.is_in(ids.iter().copied()))
    }

    /// The row `id`; `NOT_FOUND` if there is none.
    fn get(db: &impl ConnectionTrait, id: Self::Id) -> impl Future<Output = Result<Self::Model>> + Send {
        one(db, Self::find().filter(Self::ID.eq(id)))
    }

    /// The row `id`, locked until the transaction ends; `NOT_FOUND` if there is none, or none that can be changed.
    fn require(tx: &impl ConnectionTrait, id: Self::Id) -> impl Future<Output = Result<Self::Model>> + Send {
        one(tx, Self::changeable().filter(Self::ID.eq(id)).lock_exclusive())
    }
}

/// An id that leads to its noun's table.
pub trait Keyed: NounId {
    /// The table.
    type Noun: Noun<Id = Self>;
}

async fn one<N: Noun>(db: &impl ConnectionTrait, select: Select<N>) -> Result<N::Model> {
    select.one(db).await?.ok_or(Error::NotFound(N::Id::WORD))
}

/// A row's columns.
type ColumnOf<M> = <<M as ModelTrait>::Entity as EntityTrait>::Column;

/// A new row as it is inserted, with its folded columns.
pub fn fresh<M, A>(mut row: M) -> A
where
    M: ModelTrait + IntoActiveModel<A>,
    M::Entity: EntityTrait<Model = M, ActiveModel = A> + Noun,
    A: ActiveModelTrait<Entity = M::Entity>,
{
    folded::fill::<M::Entity>(&mut row);
    row.into_active_model()
}

/// Makes the row `old`, which is locked, what `new` says. What differs is written in one statement, which also raises `version`
/// and sets `updated_at` to `now` where the table has them.
///
/// Nothing is written where nothing differs: the row keeps its version, and is returned as it is. That is an answer like any
/// other, so a use case goes on and notes its audit line.
pub async fn replace<M, A>(tx: &impl ConnectionTrait, old: &M, mut new: M, now: DateTime<Utc>) -> Result<M>
where
    M: ModelTrait + IntoActiveModel<A>,
    M::Entity: EntityTrait<Model = M, ActiveModel = A> + Noun,
    A: ActiveModelTrait<Entity = M::Entity> + ActiveModelBehavior + Send,
{
    folded::fill::<M::Entity>(&mut new);
    if differing(old, &new).is_empty() {
        return Ok(new);
    }
    for column in ColumnOf::<M>::iter() {
        match (column.as_str(), old.get(column)) {
            ("version", Value::Int(Some(version))) => new.set(column, (version + 1).into()),
            ("updated_at", _) => new.set(column, now.into()),
            _ => {}
        }
    }
    touch(tx, old, new).await
}

/// [`replace`] for what nobody edits, such as the instant of a login: the row keeps its version and `updated_at`.
pub async fn touch<M, A>(tx: &impl ConnectionTrait, old: &M, mut new: M) -> Result<M>
where
    M: ModelTrait + IntoActiveModel<A>,
    M::Entity: EntityTrait<Model = M, ActiveModel = A> + Noun,
    A: ActiveModelTrait<Entity = M::Entity> + ActiveModelBehavior + Send,
{
    folded::fill::<M::Entity>(&mut new);
    let differing = differing(old, &new);
    if differing.is_empty() {
        return Ok(new);
    }
    let mut row = old.clone().into_active_model();
    for column in differing {
        row.set(column, new.get(column));
    }
    Ok(row.update(tx).await?)
}

fn differing<M: ModelTrait>(old: &M, new: &M) -> Vec<ColumnOf<M>> {
    ColumnOf::<M>::iter().filter(|column| old.get(*column) != new.get(*column)).collect()
}

/// The line that makes an entity a noun's table: `noun!(LeadId);`, with those of [`Noun`]'s functions that differ in braces.
macro_rules! noun {
    ($id:ident $({ $($differing:tt)* })?) => {
        impl $crate::noun::Noun for Entity {
            type Id = $id;

            const ID: Column = Column::Id;

            fn id(row: &Model) -> $id {
                row.id
            }

            $($($differing)*)?
        }

        impl $crate::noun::Keyed for $id {
            type Noun = Entity;
        }
    };
}

pub(crate) use noun;
