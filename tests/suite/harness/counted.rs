//! Operations whose SQL statements are counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::{Request, Variables};
use graphql::engine::context::Caller;
use graphql::engine::execution::Execution;
use serde_json::Value as Json;
use service::Actor;
use service::access::{session, user};

use super::{PASSWORD, TestApp};

/// The API of a Herald in the name of its admin, with room for more rows than a client may ask for: it shows whether the number
/// of statements grows with them.
pub struct Counted {
    execution: Execution,
    caller: Caller,
    statements: Arc<AtomicUsize>,
}

impl Counted {
    pub async fn over(herald: &TestApp) -> Self {
        let on = herald.services();
        let statements = Arc::new(AtomicUsize::new(0));
        let mut services = on.clone();
        let seen = statements.clone();
        services.db = services.db.watched(move |_| {
            seen.fetch_add(1, Ordering::Relaxed);
        });
        let limits = &mut Arc::make_mut(&mut services.rules).limits.document;
        (limits.complexity, limits.nodes) = (1_000_000, 1_000_000);
        let tokens = session::login(on, &Actor::anonymous(None), user::FIRST, PASSWORD.into()).await.unwrap();
        let session = session::resume(on, &tokens.access, None).await.unwrap();
        let caller = Caller { session: Some(session), ..Caller::default() };
        Self { execution: Execution::new(services), caller, statements }
    }

    /// How many statements a query takes, and what it finds.
    pub async fn run(&self, query: &str, variables: Json) -> (usize, Json) {
        self.statements.store(0, Ordering::Relaxed);
        let request = Request::new(query).variables(Variables::from_json(variables));
        let answer = self.execution.run(request, self.caller.clone()).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        (self.statements.load(Ordering::Relaxed), serde_json::to_value(answer.data).unwrap())
    }
}
