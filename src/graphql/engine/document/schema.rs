//! The published schema, as the validation of documents reads it.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use apollo_compiler::ast::{DirectiveList, FieldDefinition};
use apollo_compiler::schema::{Component, ExtendedType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema, name, ty};
use async_graphql::Value;

use crate::engine::scalar;

/// Herald's schema, read once.
pub(crate) static SCHEMA: LazyLock<Published> = LazyLock::new(|| Published::read(&crate::sdl(), scalar::check));

/// Whether a value can be read as the custom scalar of this name, and else what is wrong with it.
type Check = fn(&str, Value) -> Result<(), String>;

/// A schema, and which objects its interfaces and unions stand for.
#[derive(Debug)]
pub(crate) struct Published {
    /// All types.
    pub types: Valid<Schema>,
    /// How values of custom scalars are checked.
    pub check: Check,
    /// The objects of each interface and union, in the order of the schema.
    objects: HashMap<Name, Vec<Name>>,
}

impl Published {
    /// The schema that this document defines.
    pub fn read(sdl: &str, check: Check) -> Self {
        let read = Schema::builder().ignore_builtin_redefinitions().parse(sdl, "schema.graphql").build();
        let mut schema = read.expect("the published schema can be read");
        // What is asked of the schema itself is answered by the library, which knows this field too.
        if let Some(ExtendedType::Object(of_types)) = schema.types.get_mut("__Type") {
            let field = FieldDefinition {
                description: None,
                name: name!("isOneOf"),
                arguments: Vec::new(),
                ty: ty!(Boolean),
                directives: DirectiveList::default(),
            };
            of_types.make_mut().fields.insert(name!("isOneOf"), Component::new(field));
        }
        let objects = objects(&schema);
        Self { types: Valid::assume_valid(schema), check, objects }
    }

    /// Whether fields can be selected of what has this type.
    pub fn is_composite(&self, name: &str) -> bool {
        let found = self.types.types.get(name);
        found.is_some_and(|found| {
            matches!(found, ExtendedType::Object(_) | ExtendedType::Interface(_) | ExtendedType::Union(_))
        })
    }

    /// The objects that an interface or a union stands for; None of an object.
    pub fn objects(&self, name: &str) -> Option<&[Name]> {
        self.objects.get(name).map(Vec::as_slice)
    }

    /// Whether the object is of the type that a fragment names.
    pub fn is(&self, object: &str, condition: &str) -> bool {
        object == condition || self.objects(condition).is_some_and(|objects| objects.iter().any(|name| name == object))
    }
}

fn objects(schema: &Schema) -> HashMap<Name, Vec<Name>> {
    let mut found: HashMap<Name, Vec<Name>> = HashMap::new();
    for (name, kind) in &schema.types {
        match kind {
            ExtendedType::Object(object) => {
                let interfaces: HashSet<_> = object.implements_interfaces.iter().map(|name| &name.name).collect();
                for interface in interfaces {
                    found.entry(interface.clone()).or_default().push(name.clone());
                }
            }
            ExtendedType::Union(union) => {
                found.entry(name.clone()).or_default().extend(union.members.iter().map(|member| member.name.clone()));
            }
            _ => {}
        }
    }
    found
}
