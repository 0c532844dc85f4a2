//! Each limit of a document, at it and one above it, with the code that tells of it.

use std::time::{Duration, Instant};

use async_graphql::{Request, Variables};
use serde_json::json;

use super::{Checked, Documents, Refusal, check};
use domain::error::Code;
use domain::limits::DocumentLimits;
use domain::role::Role;

fn run(request: Request) -> Result<Checked, Refusal> {
    check(request, Some(Role::Operator), &Documents::default(), &DocumentLimits::default())
}

fn code(document: impl Into<String>) -> Option<Code> {
    let mut request = Request::new(document);
    // Where there are several, the first is asked for.
    request.operation_name = request.query.starts_with("query A0").then(|| "A0".to_owned());
    run(request).err().map(|refusal| refusal.code)
}

/// `document(most)` passes, `document(most + 1)` is refused. What passes is looked at further: then it may turn out that the
/// schema has no such fields.
#[track_caller]
fn holds(most: usize, expected: Code, document: impl Fn(usize) -> String) {
    assert!(matches!(code(document(most)), None | Some(Code::GraphqlValidationFailed)), "at the limit");
    assert_eq!(code(document(most + 1)), Some(expected), "above the limit");
}

/// So many times `part`, numbered.
fn many(number: usize, part: impl Fn(usize) -> String) -> String {
    (0..number).map(|n| part(n) + " ").collect()
}

#[test]
fn each_limit_holds_at_it_and_not_above() {
    use Code::{DocumentTooLarge, QueryTooComplex, QueryTooDeep, TooManyAliases};
    holds(64 << 10, DocumentTooLarge, |bytes| "{ a }".to_owned() + &" ".repeat(bytes - 5));
    holds(2_000, DocumentTooLarge, |tokens| format!("{{ a {{ {}}} }}", "a ".repeat(tokens - 5)));
    holds(15, QueryTooDeep, |depth| format!("{}a{}", "{ a ".repeat(depth - 1) + "{ ", " }".repeat(depth)));
    holds(30, TooManyAliases, |aliases| format!("{{ a {{ {}}} }}", many(aliases, |n| format!("a{n}: a"))));
    holds(20, QueryTooComplex, |fields| format!("{{ {}}}", many(fields, |n| format!("a{n}"))));
    holds(20, QueryTooComplex, |fields| format!("subscription {{ {}}}", many(fields, |n| format!("a{n}"))));
    holds(5, QueryTooComplex, |fields| format!("mutation {{ {}}}", many(fields, |n| format!("a{n}"))));
    holds(1, QueryTooComplex, |logins| format!("mutation {{ {}}}", many(logins, |n| format!("a{n}: login"))));
    holds(5, QueryTooComplex, |directives| format!("{{ a {}}}", "@b ".repeat(directives)));
    holds(50, QueryTooComplex, |directives| format!("{{ a {{ {}}} }}", many(directives, |n| format!("a{n} @b"))));
    holds(10, QueryTooComplex, |operations| {
        many(operations, |n| format!("query A{n} {{ a }}")) + "fragment A on B { c }"
    });
}

#[test]
fn inputs_have_limits() {
    use Code::{QueryTooComplex, QueryTooDeep};
    holds(50, QueryTooComplex, |variables| format!("query ({}) {{ a }}", many(variables, |n| format!("$v{n}: Int"))));
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    holds(32, QueryTooDeep, |levels| format!("{{ a(b: {}) }}", nested(levels)));
    holds(32, QueryTooDeep, |levels| format!("{{ a @b(c: {{ d: {} }}) }}", nested(levels - 1)));
    holds(32, QueryTooDeep, |levels| format!("query ($v: [Int] = {}) {{ a }}", nested(levels)));
    let given = |variables| {
        let request = Request::new("{ viewer { id } }").variables(Variables::from_json(variables));
        run(request).err().map(|refusal| refusal.code)
    };
    let many = |number| (0..number).map(|n| (format!("v{n}"), json!(1))).collect::<serde_json::Map<_, _>>();
    assert_eq!((given(many(50).into()), given(many(51).into())), (None, Some(QueryTooComplex)));
    let deep = |levels: usize| json!({ "v": serde_json::from_str::<serde_json::Value>(&nested(levels)).unwrap() });
    assert_eq!((given(deep(32)), given(deep(33))), (None, Some(QueryTooDeep)));
}

#[test]
fn fragments_count_each_time_they_are_spread() {
    use Code::{GraphqlValidationFailed, QueryTooComplex, QueryTooDeep, TooManyAliases};
    // One selection for the field, one for the spread, the rest from two fragments.
    holds(5_000, QueryTooComplex, |selections| {
        let (hundreds, ones) = ((selections - 2) / 100, (selections - 2) % 100);
        let spreads = "...A ".repeat(hundreds) + &"a ".repeat(ones);
        format!("{{ a {{ ...B }} }} fragment B on C {{ {spreads}}} fragment A on C {{ {}}}", "a ".repeat(99))
    });
    holds(15, QueryTooDeep, |depth| {
        let below = format!("{}a{}", "{ a ".repeat(depth - 2), " }".repeat(depth - 2));
        format!("{{ a {{ ...A }} }} fragment A on B {{ a {below} }}")
            .replace("a { a", "a { a")
            .replacen("{ a ", "{ ", 0)
    });
    holds(30, TooManyAliases, |aliases| format!("{{ a {{ {}}} }} fragment A on B {{ b: a }}", "...A ".repeat(aliases)));
    holds(1, QueryTooComplex, |logins| {
        format!("mutation {{ {}}} fragment A on Mutation {{ a: login }}", "...A ".repeat(logins))
    });
    assert_eq!(code("{ ...A } fragment A on B { a { ...C } } fragment C on B { ...A }"), Some(GraphqlValidationFailed));
}

/// So many fragments, each spreading the next one twice.
fn bomb(fragments: usize) -> String {
    let spread = |n: usize| format!("fragment f{n} on Query{{...f{} ...f{}}}", n + 1, n + 1);
    let chain: String = (0..fragments).map(spread).collect();
    format!("{{...f0}}{chain}fragment f{fragments} on Query{{__typename}}")
}

#[test]
fn a_bomb_of_fragments_is_refused_at_once() {
    for document in
        [bomb(24), bomb(60), bomb(24).replace("{...f0}f", "{__typename}f"), bomb(24).replace("__typename", "...g")]
    {
        let took = (0..10).map(|_| {
            let start = Instant::now();
            assert_eq!(code(&document), Some(Code::QueryTooComplex), "{document}");
            start.elapsed()
        });
        // The quickest: the others shared the machine with something else. Without optimisation all takes many times as long.
        let took = took.min().expect("it was tried");
        let most = Duration::from_millis(if cfg!(debug_assertions) { 50 } else { 5 });
        assert!(took < most, "this took {took:?}");
    }
}

#[test]
fn an_auditors_operation_may_cost_more() {
    let ask = |role: Role, channels: u32| {
        let query =
            format!("{{ channels(first: {channels}) {{ nodes {{ batches(first: 49) {{ nodes {{ id }} }} }} }} }}");
        check(Request::new(query), Some(role), &Documents::default(), &DocumentLimits::default())
            .map(|checked| checked.cost)
            .map_err(|refusal| refusal.code)
    };
    assert_eq!((ask(Role::Operator, 19), ask(Role::Operator, 20)), (Ok(970), Err(Code::QueryTooComplex)));
    assert_eq!((ask(Role::Auditor, 98), ask(Role::Auditor, 99)), (Ok(4_999), Err(Code::QueryTooComplex)));
}

#[test]
fn a_connection_costs_its_nodes_times_what_it_asks_for() {
    let cost = |document: &str, variables| {
        run(Request::new(document).variables(Variables::from_json(variables))).map(|checked| checked.cost).unwrap()
    };
    let free = json!({});
    assert_eq!(cost("{ __typename }", free.clone()), 0);
    assert_eq!(cost("{ viewer { id username } }", free.clone()), 1);
    assert_eq!(cost("{ users { nodes { id } } }", free.clone()), 1 + 25);
    assert_eq!(
        cost("{ users(first: 4) { edges { cursor node { id } } pageInfo { endCursor } totalCount } }", free.clone()),
        1 + 4 + 1
    );
    assert_eq!(cost("query($n: Int) { users(last: $n) { nodes { id } } }", json!({ "n": 7 })), 1 + 7);
    assert_eq!(
        cost(
            "query($n: Int = 8) { users(first: $n) { ...A } } fragment A on UserConnection { nodes { id } }",
            free.clone()
        ),
        1 + 8
    );
    let nested =
        "{ broadcastCampaigns(first: 10) { nodes { batch { id } jobs(first: 5) { nodes { channel { id } } } } } }";
    assert_eq!(cost(nested, free.clone()), 1 + 10 * (1 + 1 + 1 + 5 * 2));
    assert_eq!(cost(r#"{ nodes(ids: ["a", "b", "c"]) { id } }"#, free), 3);
}

#[test]
fn cost_and_nodes_have_limits() {
    // Of a page that asks for too much, its resolver tells: who may not read it must not hear more than that.
    assert_eq!(code("{ users(first: 2000000000) { nodes { id } } }"), None);
    let campaigns = |first: usize, jobs: usize| {
        format!(
            "{{ viewer {{ id }} broadcastCampaigns(first: {first}) {{ nodes {{ jobs(first: {jobs}) {{ nodes {{ id }} }} }} }} }}"
        )
    };
    // The viewer, the connection, and for each campaign itself, its connection and its jobs.
    assert_eq!(run(Request::new(campaigns(2, 100))).map(|checked| checked.cost), Ok(2 + 2 * 102));
    assert_eq!((code(campaigns(9, 100)), code(campaigns(10, 100))), (None, Some(Code::QueryTooComplex)));
    let limits = DocumentLimits { complexity: 100_000, ..DocumentLimits::default() };
    let code = |document| {
        check(Request::new(document), Some(Role::Operator), &Documents::default(), &limits)
            .err()
            .map(|refusal| refusal.code)
    };
    assert_eq!((code(campaigns(100, 99)), code(campaigns(100, 100))), (None, Some(Code::QueryTooComplex)));
}

#[test]
fn the_standard_introspection_query_passes_for_those_who_are_known() {
    let query = include_str!("tests/introspection.graphql");
    let limits = DocumentLimits::default();
    assert!(check(Request::new(query), Some(Role::Operator), &Documents::default(), &limits).is_ok());
    let refusal =
        check(Request::new(query), None, &Documents::default(), &limits).map(|checked| checked.cost).unwrap_err();
    assert_eq!(refusal.code, Code::Unauthenticated);
}

#[test]
fn a_document_that_cannot_be_read_is_not_quoted() {
    let refusal =
        run(Request::new(format!("{{ a(b: \"{}\" }}", "x".repeat(5_000)))).map(|checked| checked.cost).unwrap_err();
    assert_eq!(refusal.code, Code::GraphqlParseFailed);
    assert!(refusal.message.len() < 200 && refusal.message.contains("expected"), "{}", refusal.message);
}
