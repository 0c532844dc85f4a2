//! What an error leaves in the data (specification of October 2021, 6.4.4): null in the place of its field; where that can't be
//! null, in the place of the object that it is in, and so on up to the whole. The library leaves the field out instead.

use apollo_compiler::ast::Type;
use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{Field, OperationDefinition, OperationType, Selection, SelectionSet};
use async_graphql::{Name, PathSegment, Response, Value};

use super::document::SCHEMA;

/// The response with null where its errors belong.
pub(super) fn propagate_nulls(mut response: Response, run: &OperationDefinition) -> Response {
    let paths: Vec<&[PathSegment]> = response.errors.iter().map(|error| error.path.as_slice()).collect();
    let mut beyond = Vec::new();
    for path in paths.into_iter().filter(|path| !path.is_empty()) {
        match null_at(path, run) {
            Some(length) if length == path.len() => put(&mut response.data, path),
            Some(length) => beyond.push(&path[..length]),
            // The validation has let nothing in that the schema does not have.
            None => {}
        }
    }
    for path in beyond {
        take(&mut response.data, path);
    }
    response
}

/// How long the part of an error's path is that leads to what is null for it.
fn null_at(path: &[PathSegment], run: &OperationDefinition) -> Option<usize> {
    let root = match run.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    };
    let mut sets: Vec<(&str, &SelectionSet)> = vec![(root, &run.selection_set.node)];
    let mut kind: Option<&Type> = None;
    let mut length = 0;
    for (index, segment) in path.iter().enumerate() {
        let here = match (segment, kind) {
            (PathSegment::Index(_), Some(Type::List(item) | Type::NonNullList(item))) => &**item,
            (PathSegment::Field(key), _) => {
                let mut found = Vec::new();
                for (parent, set) in &sets {
                    selected(parent, set, key, &mut found);
                }
                let (parent, field) = *found.first()?;
                let kind = &SCHEMA.types.type_field(parent, &field.name.node).ok()?.ty;
                let gives = kind.inner_named_type().as_str();
                sets = found.iter().map(|(_, field)| (gives, &field.selection_set.node)).collect();
                kind
            }
            (PathSegment::Index(_), _) => return None,
        };
        if !here.is_non_null() {
            length = index + 1;
        }
        kind = Some(here);
    }
    Some(length)
}

/// The fields of a selection that are answered under `key`, and the type in whose name each is asked for.
fn selected<'a>(parent: &'a str, set: &'a SelectionSet, key: &str, found: &mut Vec<(&'a str, &'a Field)>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) if field.node.response_key().node == key => found.push((parent, &field.node)),
            Selection::InlineFragment(fragment) => {
                let condition = fragment.node.type_condition.as_ref();
                let parent = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                selected(parent, &fragment.node.selection_set.node, key, found);
            }
            // What is run has its fragments put in.
            Selection::Field(_) | Selection::FragmentSpread(_) => {}
        }
    }
}

/// Null at the path. What is null on the way is an object all of whose fields have failed.
fn put(value: &mut Value, path: &[PathSegment]) {
    match (path.split_first(), value) {
        (None, value) => *value = Value::Null,
        (Some((PathSegment::Index(index), rest)), Value::List(items)) => {
            if let Some(item) = items.get_mut(*index) {
                put(item, rest);
            }
        }
        (Some((PathSegment::Field(key), rest)), value) => {
            if *value == Value::Null {
                *value = Value::Object(IndexMap::new());
            }
            if let Value::Object(fields) = value {
                put(fields.entry(Name::new(key)).or_default(), rest);
            }
        }
        (Some((PathSegment::Index(_), _)), _) => {}
    }
}

/// Null at the path, unless something above is null already.
fn take(value: &mut Value, path: &[PathSegment]) {
    match (path.split_first(), value) {
        (None, value) => *value = Value::Null,
        (Some((PathSegment::Index(index), rest)), Value::List(items)) => {
            if let Some(item) = items.get_mut(*index) {
                take(item, rest);
            }
        }
        (Some((PathSegment::Field(key), rest)), Value::Object(fields)) => {
            // What failed itself has been left out.
            take(fields.entry(Name::new(key)).or_default(), rest);
        }
        (Some(_), _) => {}
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::ServerError;
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn completed(query: &str, data: serde_json::Value, paths: &[serde_json::Value]) -> serde_json::Value {
        let segment = |segment: &serde_json::Value| match segment.as_u64() {
            Some(index) => PathSegment::Index(usize::try_from(index).unwrap()),
            None => PathSegment::Field(segment.as_str().unwrap().to_owned()),
        };
        let error = |path: &serde_json::Value| ServerError {
            path: path.as_array().unwrap().iter().map(segment).collect(),
            ..ServerError::new("x", None)
        };
        let mut response = Response::new(Value::from_json(data).unwrap());
        response.errors = paths.iter().map(error).collect();
        let document = parse_query(query).unwrap();
        let (_, run) = document.operations.iter().next().unwrap();
        propagate_nulls(response, &run.node).data.into_json().unwrap()
    }

    #[test]
    fn null_stands_where_the_field_may_be_null() {
        let query = "{ viewer { id } a: users { nodes { id } } }";
        let found = completed(query, json!({ "viewer": { "id": "1" } }), &[json!(["a"])]);
        assert_eq!(found, json!({ "viewer": { "id": "1" }, "a": null }));
        assert_eq!(completed("{ users { nodes { id } } }", json!(null), &[json!(["users"])]), json!({ "users": null }));
    }

    #[test]
    fn what_cant_be_null_takes_its_object_along() {
        let query = "{ broadcastCampaigns { ... on BroadcastCampaignConnection {
            nodes { name ... on BroadcastCampaign { jobs { totalCount } } } } } }";
        let data = json!({ "broadcastCampaigns": { "nodes": [{ "name": "a" }, { "name": "b" }] } });
        let paths = [0, 1].map(|node| json!(["broadcastCampaigns", "nodes", node, "jobs"]));
        assert_eq!(completed(query, data, &paths), json!({ "broadcastCampaigns": null }));
        let payload = "mutation { deleteBatch(input: { id: \"x\" }) { deletedId } }";
        assert_eq!(completed(payload, json!(null), &[json!(["deleteBatch"])]), json!({ "deleteBatch": null }));
        let event = "subscription { serverUpdated { version } }";
        assert_eq!(completed(event, json!(null), &[json!(["serverUpdated"])]), json!(null));
    }

    #[test]
    fn all_that_failed_is_there_though_nothing_else_was_asked_for() {
        let query = "{ broadcastCampaign(id: \"x\") { one: batch { name } createdBy { id } } }";
        let paths = [json!(["broadcastCampaign", "one"]), json!(["broadcastCampaign", "createdBy"])];
        let found = completed(query, json!({ "broadcastCampaign": null }), &paths);
        assert_eq!(found, json!({ "broadcastCampaign": { "one": null, "createdBy": null } }));
    }

    #[test]
    fn a_node_of_any_type_is_asked_in_the_name_of_its_fragment() {
        let query = "{ node(id: \"x\") { id ... on BroadcastCampaign { createdBy { id } jobs { totalCount } } } }";
        let data = json!({ "node": { "id": "1" } });
        let found = completed(query, data.clone(), &[json!(["node", "createdBy"])]);
        assert_eq!(found, json!({ "node": { "id": "1", "createdBy": null } }));
        assert_eq!(completed(query, data, &[json!(["node", "jobs"])]), json!({ "node": null }));
    }
}
