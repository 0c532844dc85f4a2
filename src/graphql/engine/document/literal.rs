//! What is written in a document as a value, as what it stands for.

use apollo_compiler::ast;
use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, Number, Value};

/// The value; None if it has variables in it, or a number that no computer can hold.
pub(super) fn constant(value: &ast::Value) -> Option<Value> {
    Some(match value {
        ast::Value::Variable(_) => return None,
        ast::Value::Null => Value::Null,
        ast::Value::Enum(name) => Value::Enum(Name::new(name)),
        ast::Value::String(text) => Value::String(text.clone()),
        ast::Value::Boolean(truth) => Value::Boolean(*truth),
        ast::Value::Int(number) => Value::Number(self::number(number.as_str())?),
        ast::Value::Float(number) => Value::Number(self::number(number.as_str())?),
        ast::Value::List(items) => Value::List(items.iter().map(|item| constant(item)).collect::<Option<_>>()?),
        ast::Value::Object(fields) => {
            let field = |(name, value): &(ast::NamedType, apollo_compiler::Node<ast::Value>)| {
                Some((Name::new(name), constant(value)?))
            };
            Value::Object(fields.iter().map(field).collect::<Option<IndexMap<_, _>>>()?)
        }
    })
}

/// A number as it is written, whole if it is written so.
pub(super) fn number(text: &str) -> Option<Number> {
    let whole = text.parse::<i64>().ok().map(Number::from).or_else(|| text.parse::<u64>().ok().map(Number::from));
    whole.or_else(|| Number::from_f64(text.parse().ok()?))
}
