//! Operations whose SQL statements are counted.

use std::sync::{Arc, Mutex};

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
    seen: Arc<Mutex<Vec<String>>>,
}

impl Counted {
    pub async fn over(herald: &TestApp) -> Self {
        let on = herald.services();
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut services = on.clone();
        let noted = seen.clone();
        services.db = services.db.watched(move |sql| noted.lock().unwrap().push(sql.to_owned()));
        let limits = &mut Arc::make_mut(&mut services.rules).limits.document;
        (limits.complexity, limits.nodes) = (1_000_000, 1_000_000);
        let tokens = session::login(on, &Actor::anonymous(None), user::FIRST, PASSWORD.into()).await.unwrap();
        let session = session::resume(on, &tokens.access, None).await.unwrap();
        let caller = Caller { session: Some(session), ..Caller::default() };
        Self { execution: Execution::new(services), caller, seen }
    }

    /// How many statements a query takes, and what it finds.
    pub async fn run(&self, query: &str, variables: Json) -> (usize, Json) {
        self.seen.lock().unwrap().clear();
        let request = Request::new(query).variables(Variables::from_json(variables));
        let answer = self.execution.run(request, self.caller.clone()).await;
        assert!(answer.errors.is_empty(), "{:?}", answer.errors);
        (self.seen.lock().unwrap().len(), serde_json::to_value(answer.data).unwrap())
    }

    /// The statements that a query takes.
    pub async fn statements(&self, query: &str) -> Vec<String> {
        self.run_for(query, Json::Null).await
    }

    /// The statements that a query takes with these variables.
    pub async fn run_for(&self, query: &str, variables: Json) -> Vec<String> {
        self.run(query, variables).await;
        self.seen.lock().unwrap().clone()
    }
}
