//! What is wrong with a mutation's input, told at once: a wrong id does not hide what the use case finds wrong with the rest.
//!
//! While a mutation is read, what is wrong is noted, and something takes its place that leads to nothing. The use case goes on to
//! check what it was given; before it writes, [`service::Services::write`] refuses, for the mistakes are the actor's.

use std::sync::Arc;

use async_graphql::{Context, ServerError};

use domain::error::{Error, Mistakes, Result};

tokio::task_local! {
    /// Those of the mutation that is being run.
    static NOTED: Arc<Mistakes>;
}

/// Runs a mutation, whose mistakes are told together.
pub(super) async fn told_together<T>(
    ctx: &Context<'_>,
    mutation: impl Future<Output = Result<T, ServerError>>,
) -> Result<T, ServerError> {
    let noted = Arc::<Mistakes>::default();
    let outcome = NOTED.scope(noted.clone(), mutation).await;
    if noted.refuse().is_ok() {
        return outcome;
    }
    let later = outcome.as_ref().err().and_then(|error| error.source.as_ref()?.downcast_ref::<Error>());
    let all = match later {
        Some(Error::Invalid(later)) => noted.with(later),
        _ => noted.with(&[]),
    };
    let refusal = async_graphql::Error::from(Error::Invalid(all)).into_server_error(ctx.item.pos);
    Err(ctx.set_error_path(refusal))
}

/// The mistakes of the mutation that is being run; None of what is not a mutation.
pub(super) fn of_this_mutation() -> Option<Arc<Mistakes>> {
    NOTED.try_with(Clone::clone).ok()
}

/// What was read of a mutation's input. If it is wrong, that is noted, and `instead` takes its place: it must lead to nothing.
///
/// # Errors
/// Those of what is not a mutation's input, and all but [`Error::Invalid`].
pub(crate) fn noted<T>(read: Result<T>, instead: impl FnOnce() -> T) -> Result<T> {
    match (read, of_this_mutation()) {
        (Err(Error::Invalid(violations)), Some(noted)) => {
            noted.note(violations);
            Ok(instead())
        }
        (read, _) => read,
    }
}
