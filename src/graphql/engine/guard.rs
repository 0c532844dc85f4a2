//! Who may: a root field names its permission on its own line, and it is decided before any argument is looked at.
//!
//! ```text
//! #[graphql(directive = requires::apply(Permission::WriteUsers))]
//! async fn create_user(&self, ...)
//! ```
//!
//! async-graphql's guards run after the arguments have been parsed, so the roots are wrapped instead: [`Guarded`] finds the
//! directive in the registry. It shows in the published schema too, and a root field without one is refused.
//!
//! What makes or changes what somebody signs in with, or the secrets that Herald keeps, says so on the same line:
//! `directive = needs_login::apply()`. An API token does not do it: what leaks must not make what outlives it.

use std::borrow::Cow;
use std::pin::Pin;

use async_graphql::async_trait::async_trait;
use async_graphql::registry::{MetaDirectiveInvocation, MetaType, Registry};
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Guard, ObjectType, OutputType, Positioned, Response, ServerError,
    ServerResult, SubscriptionType, TypeDirective, Value, parser::types::Field,
};
use futures_util::{Stream, StreamExt, stream};

use super::context::{Caller, ContextExt};
use super::mistakes;
use domain::error::{Error, Result};
use domain::role::Permission;
use service::access::session::Proof;

pub use directive::{needs_login, requires};

mod directive {
    #![expect(missing_docs, reason = "the macro passes the description on to the schema only")]

    use async_graphql::TypeDirective;

    use domain::role::Permission;

    /// The permission that this field needs. `UNAUTHENTICATED` for nobody, `FORBIDDEN` for a role without it.
    #[TypeDirective(location = "FieldDefinition")]
    pub fn requires(#[graphql(desc = "What the viewer's role must allow.")] permission: Permission) {}

    /// An API token may not do this, whatever its role: it needs somebody who has signed in. `PRECONDITION_FAILED` for a
    /// token.
    #[TypeDirective(location = "FieldDefinition", name = "needsLogin")]
    pub fn needs_login() {}
}

/// Refuses, with an audit line, unless the viewer has `permission`.
pub fn require(ctx: &Context<'_>, permission: Permission) -> Result<()> {
    let allowed = allow(ctx.caller(), permission);
    if matches!(allowed, Err(Error::Forbidden)) {
        ctx.refuse();
    }
    allowed
}

/// Refuses unless the caller has `permission`.
pub(super) fn allow(caller: &Caller, permission: Permission) -> Result<()> {
    match caller.viewer() {
        _ if permission == Permission::Anyone => Ok(()),
        None => Err(caller.nobody()),
        Some(viewer) if viewer.role.may(permission) => Ok(()),
        Some(_) => Err(Error::Forbidden),
    }
}

/// Refuses, with an audit line, whoever shows an API token.
fn require_login(ctx: &Context<'_>) -> Result<()> {
    let proof = ctx.caller().session.as_ref().map(|session| session.proof);
    if !matches!(proof, Some(Proof::ApiToken(_))) {
        return Ok(());
    }
    ctx.refuse();
    Err(Error::Precondition(
        "an API token can't do this, for it must not make or change what outlives it: sign in with a password".into(),
    ))
}

/// The guard of a field below the root: `#[graphql(guard = "Can(Permission::ReadUsers)")]`. Such fields have no arguments
/// that could fail before it.
pub struct Can(pub Permission);

#[async_trait]
impl Guard for Can {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        Ok(require(ctx, self.0)?)
    }
}

/// A root whose fields are reached only with the permission that each names.
#[derive(Debug, Default)]
pub struct Guarded<T>(pub T);

impl<T> Guarded<T> {
    fn admit(ctx: &Context<'_>, root: &str) -> ServerResult<()> {
        let (registry, field) = (&ctx.schema_env.registry, ctx.item.node.name.node.as_str());
        let admission = match permission(registry, root, field) {
            Some(permission) => require(ctx, permission),
            // Fail closed: the field's author forgot the line.
            None => Err(Error::Forbidden),
        };
        let admission = admission.and_then(|()| {
            if directed(registry, root, field, &needs_login.name()).is_some() { require_login(ctx) } else { Ok(()) }
        });
        let refusal = |error| async_graphql::Error::from(error).into_server_error(ctx.item.pos);
        admission.map_err(|error: Error| ctx.set_error_path(refusal(error)))
    }
}

/// The permission that a root's field names, if it has a line.
pub fn permission(registry: &Registry, root: &str, field: &str) -> Option<Permission> {
    let directive = directed(registry, root, field, &requires.name())?;
    async_graphql::InputType::parse(directive.args.get("permission").cloned()).ok()
}

/// The directive of this name on the line of a root's field, if there is one.
fn directed<'a>(registry: &'a Registry, root: &str, field: &str, name: &str) -> Option<&'a MetaDirectiveInvocation> {
    let field = registry.types.get(root)?.field_by_name(field)?;
    field.directive_invocations.iter().find(|directive| directive.name == name)
}

#[async_trait]
impl<T: OutputType> OutputType for Guarded<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    /// A root field may be null, whatever its resolver gives: what fails takes none of its neighbours along.
    fn create_type_info(registry: &mut Registry) -> String {
        let created = T::create_type_info(registry);
        if let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(&*T::type_name()) {
            for field in fields.values_mut() {
                if let Some(nullable) = field.ty.strip_suffix('!') {
                    field.ty = nullable.to_owned();
                }
            }
        }
        created
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

#[async_trait]
impl<T: ObjectType> ContainerType for Guarded<T> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        let root = T::type_name();
        // `__typename` comes without a row in the registry, and says nothing.
        if ctx.schema_env.registry.types.get(&*root).is_some_and(|root| has(root, ctx)) {
            Self::admit(ctx, &root)?;
        }
        if root == "Mutation" {
            // What was loaded before a change must not answer for what is there after it.
            ctx.loaders().forget();
            return mistakes::told_together(ctx, self.0.resolve_field(ctx)).await;
        }
        self.0.resolve_field(ctx).await
    }
}

/// Introspection comes here only where it is off, and then says nothing.
fn has(root: &MetaType, ctx: &Context<'_>) -> bool {
    let name = ctx.item.node.name.node.as_str();
    !name.starts_with("__") && root.field_by_name(name).is_some()
}

impl<T: ObjectType> ObjectType for Guarded<T> {}

impl<T: SubscriptionType> SubscriptionType for Guarded<T> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        T::create_type_info(registry)
    }

    fn create_field_stream<'a>(
        &'a self,
        ctx: &'a Context<'_>,
    ) -> Option<Pin<Box<dyn Stream<Item = Response> + Send + 'a>>> {
        let admitted = async move {
            match Self::admit(ctx, &T::type_name()) {
                Ok(()) => self.0.create_field_stream(ctx),
                Err(error) => Some(refused(error)),
            }
        };
        Some(stream::once(admitted).flat_map(|fields| fields.unwrap_or_else(|| stream::empty().boxed())).boxed())
    }
}

fn refused<'a>(error: ServerError) -> Pin<Box<dyn Stream<Item = Response> + Send + 'a>> {
    stream::once(std::future::ready(Response::from_errors(vec![error]))).boxed()
}
