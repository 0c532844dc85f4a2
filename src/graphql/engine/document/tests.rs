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
fn the_schema_is_not_read_in_circles() {
    let code =
        |document: &str| run(Request::new(document)).map(|checked| checked.cost).err().map(|refusal| refusal.code);
    for good in [
        "{ __schema { types { fields { args { type { ofType { ofType { name } } } } } } } }",
        "{ __schema { types { possibleTypes { name } interfaces { name } inputFields { name } } } }",
        "{ __type(name: \"Lead\") { fields { type { ofType { fields { name } } } } } }",
        "{ __schema { queryType { fields { type { fields { name } } } } } }",
    ] {
        assert_eq!(code(good), None, "{good}");
    }
    for circle in [
        "{ __schema { types { possibleTypes { interfaces { name } } } } }",
        "{ __schema { types { fields { type { ofType { fields { name } } } } } } }",
        "{ __schema { types { fields { args { type { inputFields { name } } } } } } }",
        "{ __type(name: \"Node\") { possibleTypes { interfaces { possibleTypes { name } } } } }",
        "{ __schema { ...A } } fragment A on __Schema { types { x: fields { ...B } } } fragment B on __Field { type { y: fields { name } } }",
    ] {
        assert_eq!(code(circle), Some(Code::QueryTooDeep), "{circle}");
    }
}

#[test]
fn a_document_that_cannot_be_read_is_not_quoted() {
    let refusal =
        run(Request::new(format!("{{ a(b: \"{}\" }}", "x".repeat(5_000)))).map(|checked| checked.cost).unwrap_err();
    assert_eq!(refusal.code, Code::GraphqlParseFailed);
    assert!(refusal.message.len() < 200 && refusal.message.contains("expected"), "{}", refusal.message);
}

fn message(role: Option<Role>, document: &str, variables: serde_json::Value) -> String {
    let request = Request::new(document).variables(Variables::from_json(variables));
    let checked = check(request, role, &Documents::default(), &DocumentLimits::default());
    checked.map(|checked| checked.cost).unwrap_err().message
}

#[test]
fn what_costs_too_much_names_its_dearest_part_and_the_cure() {
    let told = |document: &str| message(Some(Role::Operator), document, json!({}));
    let nested = "{ viewer { id } all: batches(first: 100) { nodes { id channels(first: 100) { nodes { id } } } } }";
    let why = told(nested);
    assert!(why.contains("most of it is all.nodes.channels (10100 points)") && why.contains("`totalCount`"), "{why}");
    let through_fragments = "{ channels(first: 30) { ...A } }
        fragment A on ChannelConnection { nodes { ... on Node { id } ...B } } fragment B on Channel { batches(first: 50) { nodes { id } } }";
    assert!(told(through_fragments).contains("most of it is channels.nodes.batches (1530 points)"));
}

#[test]
fn what_is_skipped_costs_nothing() {
    let document = "query($no: Boolean!, $yes: Boolean!) {
        viewer { id }
        a: channels(first: 100) @include(if: $no) { nodes { batches(first: 100) { nodes { id } } } }
        channels(first: 100) @skip(if: $yes) { nodes { batches(first: 100) { nodes { id } } } }
        ... @include(if: $no) { users(first: 100) { nodes { id } } }
        ...F @skip(if: true)
    } fragment F on Query { batches(first: 100) { nodes { id } } }";
    let cost = |variables| {
        let request = Request::new(document).variables(Variables::from_json(variables));
        run(request).map(|checked| checked.cost).map_err(|refusal| refusal.code)
    };
    assert_eq!(cost(json!({ "no": false, "yes": true })), Ok(1));
    assert_eq!(cost(json!({ "no": true, "yes": true })), Err(Code::QueryTooComplex));
}

#[test]
fn who_may_see_the_schema_is_told_what_was_meant() {
    for (document, variables, meant) in [
        ("{ viewer { usrname } }", json!({}), "username"),
        ("{ viewr { id } }", json!({}), "viewer"),
        ("{ channels(frist: 1) { totalCount } }", json!({}), "first"),
        ("{ viewer { id @inclde(if: true) } }", json!({}), ""),
        ("{ channels(filter: { categry: \"a\" }) { totalCount } }", json!({}), "category"),
        ("{ channels(orderBy: { field: USERNAM }) { totalCount } }", json!({}), "USERNAME"),
        (
            "query($f: ChannelFilter) { channels(filter: $f) { totalCount } }",
            json!({ "f": { "categry": "a" } }),
            "category",
        ),
        (
            "query($o: ChannelOrder) { channels(orderBy: $o) { totalCount } }",
            json!({ "o": { "field": "username" } }),
            "USERNAME",
        ),
        ("query($f: ChanelFilter) { channels(filter: $f) { totalCount } }", json!({}), "ChannelFilter"),
    ] {
        let told = message(Some(Role::Auditor), document, variables.clone());
        let suffix = if meant.is_empty() { String::new() } else { format!("did you mean {meant}") };
        assert!(told.contains(&suffix), "{document}: {told}");
        let nobody = message(None, document, variables);
        assert!(!nobody.contains("did you mean"), "{document}: {nobody}");
    }
}

#[test]
fn exactly_one_key_is_given_to_a_look_up() {
    let ask = |key: &str, variables: serde_json::Value| {
        let document = format!(
            "query($e: String, $s: String!) {{ leadBy(key: {key}) {{ id }} a: leadBy(key: {{ phone: $s }}) {{ id }}
            b: leads(filter: {{ search: $e }}) {{ totalCount }} }}"
        );
        run(Request::new(document).variables(Variables::from_json(variables))).err().map(|refusal| refusal.code)
    };
    let given = json!({ "s": "+4915123456789" });
    assert_eq!(ask("{ email: $s }", given.clone()), None);
    assert_eq!(ask("{ externalId: \"7\" }", given.clone()), None);
    for wrong in
        ["{}", "{ email: null }", "{ email: \"a@b.de\", phone: $s }", "{ email: $e }", "null", "{ mail: $s }", "7"]
    {
        assert!(ask(wrong, given.clone()).is_some(), "{wrong}");
    }
    let by_variable = |key: serde_json::Value| {
        let request = Request::new("query($k: LeadKey!) { leadBy(key: $k) { id } }");
        let request = request.variables(Variables::from_json(json!({ "k": key })));
        run(request).err().map(|refusal| refusal.violations.len())
    };
    assert_eq!(by_variable(json!({ "email": "a@b.de" })), None);
    for wrong in
        [json!({}), json!({ "email": null }), json!({ "email": "a@b.de", "phone": null }), json!(null), json!("x")]
    {
        assert_eq!(by_variable(wrong.clone()), Some(1), "{wrong}");
    }
}

#[test]
fn an_audience_of_conditions_that_were_left_out_is_not_everybody() {
    let batch = "mutation($c: String, $a: Boolean) { createBatch(input: { name: \"n\", filter: { category: $c, isActive: $a } }) {
        batch { id } } }";
    let refused = |variables| {
        let refusal = run(Request::new(batch).variables(Variables::from_json(variables))).err()?;
        Some(refusal.violations.iter().map(|one| one.path.join(".")).collect::<Vec<_>>())
    };
    assert_eq!(refused(json!({})), Some(vec!["input.filter".into()]));
    assert_eq!(refused(json!({ "a": true })), None);
    assert_eq!(refused(json!({ "c": "\u{200b}\u{0}", "a": true })), Some(vec!["input.filter.category".into()]));
    for whole in [json!({ "name": "n", "all": true }), json!({ "name": "n", "filter": {} })] {
        let document = "mutation($i: CreateBatchInput!) { createBatch(input: $i) { batch { id } } }";
        assert!(run(Request::new(document).variables(Variables::from_json(json!({ "i": whole })))).is_ok(), "{whole}");
    }
}

#[test]
fn an_argument_that_is_missing_is_told_with_its_field() {
    for (document, field) in [
        ("mutation { createTemplate { template { id } } }", "createTemplate(input:)"),
        (
            "mutation { a: createBatch(input: { name: \"n\" }) { batch { id } } b: deleteBatch { deletedId } }",
            "deleteBatch(input:)",
        ),
        ("{ channel { id } }", "channel(id:)"),
        ("{ leadBy { id } }", "leadBy(key:)"),
    ] {
        let told = message(Some(Role::Operator), document, json!({}));
        assert!(told.contains(field), "{document}: {told}");
    }
}

#[test]
fn an_answer_has_its_fields_in_the_order_in_which_they_are_asked_for() {
    let document = "query($o: Boolean!) { b: viewer { username id } none: viewer { id @include(if: $o) }
        channels { totalCount nodes { title ...F id } pageInfo { endCursor } }
        lead: node(id: \"x\") { id ... on Lead { meta notes } ... on Channel { title } } a: viewer { id } }
        fragment F on Channel { username }";
    let request = Request::new(document).variables(Variables::from_json(json!({ "o": false })));
    let form = run(request).map(|checked| checked.form).map_err(|refusal| refusal.message).unwrap();
    let resolved = r#"{"a":{"id":1},"b":{"id":1,"username":2},"channels":{"nodes":[{"id":1,"title":2,"username":3},
        {"username":3,"id":1,"title":null}],"pageInfo":{"endCursor":1},"totalCount":2},"lead":{"notes":null,"meta":{"z":[{"y":1,"x":2}],"id":2},
        "id":1},"none":{"":"User"}}"#;
    let response = async_graphql::Response::new(serde_json::from_str::<async_graphql::Value>(resolved).unwrap());
    let shown = serde_json::to_string(&form.shown(response).data).unwrap();
    let asked = r#"{"b":{"username":2,"id":1},"none":{},"channels":{"totalCount":2,"nodes":[{"title":2,"username":3,"id":1},{"title":null,"username":3,"id":1}],"pageInfo":{"endCursor":1}},"lead":{"id":1,"meta":{"z":[{"y":1,"x":2}],"id":2},"notes":null},"a":{"id":1}}"#;
    assert_eq!(shown, asked);
}
