//! The API's base, over an empty database: signing in, permissions, connections, nodes, defects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use async_graphql::{Object, Request, Subscription};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value as Json, json};

use super::engine::context::Caller;
use super::engine::execution::{Event, Execution};
use super::engine::guard::requires;
use domain::role::{Permission, Role};
use service::access::session::{self, Tokens};
use service::access::user::{self, NewUser};
use service::testing::Fixture;
use service::{Actor, Services};

const PASSWORD: &str = "a password of some length";

struct Api {
    fixture: Fixture,
    execution: Execution,
}

impl Api {
    async fn new() -> Self {
        let fixture = Fixture::new(4).await;
        let execution = Execution::new(fixture.services.clone());
        Self { fixture, execution }
    }

    fn services(&self) -> &Services {
        &self.fixture.services
    }

    async fn user(&self, username: &str, role: Role) -> Tokens {
        let new = NewUser { username: username.into(), password: PASSWORD.to_owned().into(), role };
        user::create(self.services(), &Actor::system(), new).await.unwrap();
        session::login(self.services(), &Actor::anonymous(None), username, PASSWORD.into()).await.unwrap()
    }

    async fn run(&self, access: Option<&str>, document: &str) -> Json {
        let session = match access {
            Some(access) => Some(session::resume(self.services(), access, None).await.unwrap()),
            None => None,
        };
        let caller = Caller { session, request_id: Some("r1".into()), ..Caller::default() };
        serde_json::to_value(self.execution.run(Request::new(document), caller).await).unwrap()
    }
}

/// Root fields that are in these tests only, for what no real one does.
#[derive(Default)]
pub(super) struct Faulty;

#[Object]
impl Faulty {
    #[graphql(directive = requires::apply(Permission::Anyone))]
    async fn panics(&self) -> bool {
        defect(1)
    }

    #[graphql(directive = requires::apply(Permission::Anyone))]
    async fn hangs(&self) -> bool {
        std::future::pending().await
    }
}

fn defect(number: i32) -> bool {
    panic!("a defect, {number}")
}

#[derive(Default)]
pub(super) struct FaultySubscription;

#[Subscription]
impl FaultySubscription {
    #[graphql(directive = requires::apply(Permission::Anyone))]
    async fn panics_later(&self) -> impl Stream<Item = i32> {
        stream::iter([1, 2]).map(|number| if number == 1 || defect(number) { number } else { 0 })
    }
}

fn code(answer: &Json) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_role_is_decided_before_any_argument_is_looked_at() {
    let api = Api::new().await;
    let auditor = api.user("auditor", Role::Auditor).await;
    let nonsense = r#"mutation { updateUser(input: { id: "nonsense" }) { user { id } } }"#;
    assert_eq!(code(&api.run(None, nonsense).await), "UNAUTHENTICATED");
    assert_eq!(code(&api.run(Some(&auditor.access), nonsense).await), "FORBIDDEN");
    let admin = api.user("boss", Role::Admin).await;
    let answer = api.run(Some(&admin.access), nonsense).await;
    assert_eq!(code(&answer), "BAD_USER_INPUT");
    assert_eq!(answer["errors"][0]["extensions"]["violations"][0]["path"], json!(["input", "id"]));

    let nonsense = r#"{ auditLogs(filter: { since: "nonsense" }) { totalCount } }"#;
    let operator = api.user("operator", Role::Operator).await;
    assert_eq!(code(&api.run(Some(&operator.access), nonsense).await), "FORBIDDEN");
    assert_eq!(code(&api.run(Some(&admin.access), nonsense).await), "BAD_USER_INPUT");
    let denied = "{ auditLogs(filter: { actions: [PERMISSION_DENIED] }) { totalCount nodes { severity metadata } } }";
    let denied = api.run(Some(&admin.access), denied).await;
    assert_eq!(denied["data"]["auditLogs"]["totalCount"], 2);
    let newest = &denied["data"]["auditLogs"]["nodes"][0];
    assert_eq!(newest, &json!({ "severity": "WARNING", "metadata": { "field": "auditLogs" } }));
}

#[tokio::test]
async fn a_list_is_walked_in_pages_forwards_and_backwards() {
    let api = Api::new().await;
    let admin = api.user("admin", Role::Admin).await;
    for name in ["anna", "boris", "clara", "dmitri"] {
        api.user(name, Role::Auditor).await;
    }
    let page = async |arguments: &str| {
        let document = format!(
            "{{ users({arguments}) {{ nodes {{ username }} totalCount
                pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
        );
        api.run(Some(&admin.access), &document).await
    };
    let names = |answer: &Json| -> Vec<String> {
        let nodes = answer["data"]["users"]["nodes"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        nodes.iter().map(|node| node["username"].as_str().unwrap().to_owned()).collect()
    };
    let first = page("first: 2").await;
    assert_eq!(names(&first), ["admin", "anna"]);
    let info = &first["data"]["users"]["pageInfo"];
    assert_eq!((info["hasNextPage"].as_bool(), info["hasPreviousPage"].as_bool()), (Some(true), Some(false)));
    assert_eq!(first["data"]["users"]["totalCount"], 5);
    let cursor = info["endCursor"].as_str().unwrap();
    assert_eq!(names(&page(&format!(r#"first: 2, after: "{cursor}""#)).await), ["boris", "clara"]);
    assert_eq!(names(&page(&format!(r#"last: 1, before: "{cursor}""#)).await), ["admin"]);
    assert_eq!(names(&page("last: 2").await), ["clara", "dmitri"]);
    let newest = "first: 2, orderBy: { field: CREATED_AT, direction: DESC }";
    assert_eq!(names(&page(newest).await), ["dmitri", "clara"]);

    for wrong in [
        format!(r#"after: "{cursor}", orderBy: {{ field: CREATED_AT }}"#),
        format!(r#"after: "{cursor}", orderBy: {{ field: USERNAME, direction: DESC }}"#),
        r#"after: "nonsense""#.into(),
        "first: 101".into(),
        "first: -1".into(),
        "first: 1, last: 1".into(),
    ] {
        assert_eq!(code(&page(&wrong).await), "BAD_USER_INPUT", "{wrong}");
    }
}

#[tokio::test]
async fn a_node_is_found_by_its_id_with_the_permission_of_its_type() {
    let api = Api::new().await;
    let admin = api.user("admin", Role::Admin).await;
    let operator = api.user("operator", Role::Operator).await;
    let found = api.run(Some(&admin.access), "{ viewer { id } }").await;
    let id = found["data"]["viewer"]["id"].as_str().unwrap();
    let node = format!(r#"{{ node(id: "{id}") {{ id ... on User {{ username }} }} }}"#);
    let found = api.run(Some(&admin.access), &node).await;
    assert_eq!(found["data"]["node"], json!({ "id": id, "username": "admin" }));
    assert_eq!(code(&api.run(Some(&operator.access), &node).await), "FORBIDDEN");
    let unknown = super::engine::id::encode("User", domain::id::time_sorted());
    let nodes = format!(r#"{{ nodes(ids: ["{}", "{id}"]) {{ id }} }}"#, *unknown);
    assert_eq!(api.run(Some(&admin.access), &nodes).await["data"]["nodes"], json!([null, { "id": id }]));
}

#[tokio::test]
async fn what_is_not_graphql_and_what_does_not_fit_have_their_codes() {
    let api = Api::new().await;
    assert_eq!(code(&api.run(None, "{").await), "GRAPHQL_PARSE_FAILED");
    assert_eq!(code(&api.run(None, "{ nothing }").await), "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(code(&api.run(None, "{ viewer { id } }").await), "UNAUTHENTICATED");
    assert_eq!(api.run(None, "{ __typename }").await["data"]["__typename"], "Query");
    assert_eq!(api.run(None, "{ viewer { id } }").await["errors"][0]["extensions"]["requestId"], "r1");
}

#[test]
fn every_root_field_names_its_permission() {
    let document = async_graphql::parser::parse_schema(super::sdl()).unwrap();
    let mut fields = 0;
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = definition.node.kind else { continue };
        if !["Query", "Mutation", "Subscription"].contains(&definition.node.name.node.as_str()) {
            continue;
        }
        for field in object.fields {
            let names_one = field.node.directives.iter().any(|directive| directive.node.name.node == "requires");
            assert!(names_one, "{} has no #[graphql(directive = requires::apply(..))]", field.node.name.node);
            fields += 1;
        }
    }
    assert!(fields > 10);
}

#[tokio::test]
async fn a_panic_is_one_error_and_concerns_nobody_else() {
    let api = Api::new().await;
    let admin = api.user("admin", Role::Admin).await;
    let answer = api.run(Some(&admin.access), "{ panics }").await;
    assert_eq!(
        (code(&answer), answer["errors"][0]["message"].as_str()),
        ("INTERNAL_SERVER_ERROR", Some("internal error"))
    );
    assert_eq!(answer["errors"][0]["extensions"]["requestId"], "r1");
    let caller = Caller { request_id: Some("r2".into()), ..Caller::default() };
    let events: Vec<_> = api.execution.stream(Request::new("subscription { panicsLater }"), caller).collect().await;
    let [Event::Next(first), Event::Failed(last)] = events.as_slice() else { panic!("{} events", events.len()) };
    assert_eq!(first.data.to_string(), "{panicsLater: 1}");
    let last = serde_json::to_value(last).unwrap();
    assert_eq!((code(&last), &last["errors"][0]["extensions"]["requestId"]), ("INTERNAL_SERVER_ERROR", &json!("r2")));
    assert_eq!(api.run(Some(&admin.access), "{ viewer { username } }").await["data"]["viewer"]["username"], "admin");
}

#[tokio::test]
async fn what_takes_too_long_is_given_up() {
    let mut api = Api::new().await;
    let mut rules = service::Rules::clone(&api.services().rules);
    let [query, mutation] = [Duration::from_millis(100), Duration::from_millis(300)];
    (rules.limits.document.query_time, rules.limits.document.mutation_time) = (query, mutation);
    api.execution = Execution::new(Services { rules: Arc::new(rules), ..api.services().clone() });
    for (operation, time) in [("{ hangs }", query), ("mutation { hangs }", mutation)] {
        let began = Instant::now();
        assert_eq!(code(&api.run(None, operation).await), "TIMEOUT");
        assert!((time..time + Duration::from_secs(2)).contains(&began.elapsed()), "{operation}");
    }
}
