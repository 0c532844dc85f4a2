//! What identity providers really send: clocks that are ahead, nested and prefixed roles, keys that change, names of all scripts.

use domain::role::Role;
use service::access::sso::{Identity, Refusal};

use super::*;
use crate::harness::{Database, herald as command};

fn at(seconds: i64) -> chrono::DateTime<chrono::Utc> {
    chrono::DateTime::from_timestamp(seconds, 0).unwrap()
}

fn examine(trust: Trust, claims: &Json) -> Result<Identity, Refusal> {
    Issuer::new(PUBLIC.as_bytes(), Algorithm::RS256, trust)
        .unwrap()
        .examine(&token(claims), at(2_000))
        .now_or_never()
        .unwrap()
}

#[test]
fn a_role_is_found_where_the_claim_says_in_each_form_that_issuers_use() {
    let keycloak = json!({ "realm_access": { "roles": ["offline_access", "Operator"] } });
    let dotted = json!({ "https://x.example/roles": "ADMIN", "https://x": { "example/roles": "AUDITOR" } });
    let table = [
        ("role", json!({ "role": "admin" }), Some(Role::Admin)),
        ("role", json!({ "role": ["AUDITOR", "operator"] }), Some(Role::Operator)),
        ("role", json!({ "role": "openid operator  auditor" }), Some(Role::Operator)),
        ("role", json!({ "role": "operator,admin" }), Some(Role::Admin)),
        ("role", json!({ "role": ["Backup Operator", "Domain Admin", "x,admin"] }), None),
        ("role", json!({ "role": [" operator "] }), Some(Role::Operator)),
        ("realm_access.roles", keycloak.clone(), Some(Role::Operator)),
        ("realm_access", keycloak.clone(), None),
        ("realm_access.roles.0", keycloak, None),
        (
            "resource_access.herald.roles",
            json!({ "resource_access": { "herald": { "roles": ["ADMIN"] } } }),
            Some(Role::Admin),
        ),
        ("https://x.example/roles", dotted, Some(Role::Admin)),
        ("role", json!({ "role": "administrator" }), None),
        ("role", json!({ "role": { "name": "ADMIN" } }), None),
        ("role", json!({ "role": 1 }), None),
        ("role", json!({}), None),
    ];
    for (way, claims, role) in table {
        let trust = Trust { role_claim: way.into(), ..Trust::default() };
        let identity = examine(trust.clone(), &claims).unwrap();
        assert_eq!(
            (identity.role, identity.has_role),
            (role.unwrap_or(Role::Auditor), role.is_some()),
            "{way} {claims}"
        );
        let refused = examine(Trust { needs_role: true, ..trust }, &claims);
        assert_eq!(matches!(refused, Err(Refusal::NoRole(_))), role.is_none(), "{way} {claims}");
    }
}

#[test]
fn roles_of_the_issuer_are_those_of_the_map_and_no_others() {
    let roles = [("herald-admin", Role::Admin), ("herald ops", Role::Operator)];
    let roles = roles.map(|(name, role)| (name.to_owned(), role)).into();
    let trust = Trust { role_claim: "groups".into(), roles, ..Trust::default() };
    let role = |groups: Json| examine(trust.clone(), &json!({ "groups": groups })).unwrap().role;
    assert_eq!(role(json!(["x", "Herald-Admin"])), Role::Admin);
    assert_eq!(role(json!(["herald ops"])), Role::Operator);
    assert_eq!(role(json!("x herald-admin")), Role::Admin);
    assert_eq!(
        role(json!(["ADMIN", "herald", "xherald-admin"])),
        Role::Auditor,
        "another service's admin is none here"
    );
}

#[test]
fn a_clock_that_is_ahead_by_less_than_the_leeway_is_no_hindrance_and_a_reason_is_given_beyond() {
    let trust = |seconds| Trust { leeway: chrono::TimeDelta::seconds(seconds), ..Trust::default() };
    for claim in ["iat", "nbf"] {
        let of = |ahead: i64, leeway: i64| examine(trust(leeway), &json!({ claim: 2_000 + ahead }));
        assert!(of(6, 30).is_ok() && of(30, 30).is_ok() && of(0, 0).is_ok());
        for refused in [of(31, 30), of(1, 0)] {
            assert!(
                matches!(refused, Err(Refusal::Wrong(why)) if why.contains(claim) && why.contains("HERALD_SSO_LEEWAY"))
            );
        }
    }
    assert!(examine(trust(600), &json!({ "exp": 2_000 })).is_err(), "an end is an end");
    let why = |claims: Json| match examine(Trust { issuer: Some("a".into()), ..Trust::default() }, &claims) {
        Err(Refusal::Wrong(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(json!({})).contains("iss") && why(json!({ "iss": null })).contains("iss"));
    assert!(why(json!({ "iss": "a", "exp": 1_000 })).contains("ended"));
    assert!(why(json!({ "iss": "a", "sub": 5 })).contains("sub"));
    assert!(why(json!({ "iss": "a", "sub": "" })).contains("sub"));
}

#[test]
fn the_key_file_is_read_again_when_it_changes_or_a_kid_is_unknown() {
    let keys = [ISSUER, STRANGER].map(|key| EncodingKey::from_rsa_pem(key.as_bytes()).unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let write = |named: &[(&str, usize)]| {
        let jwk = |(name, key): &(&str, usize)| {
            let mut jwk = Jwk::from_encoding_key(&keys[*key], Algorithm::RS256).unwrap();
            jwk.common.key_id = Some((*name).to_owned());
            jwk
        };
        let set = JwkSet { keys: named.iter().map(jwk).collect() };
        std::fs::write(&path, serde_json::to_vec(&set).unwrap()).unwrap();
    };
    write(&[("k1", 0)]);
    let issuer = Issuer::of_file(&path, Algorithm::RS256, Trust::default()).unwrap();
    let reads = |kid: &str, key: usize, seconds: i64| {
        let header = Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) };
        issuer.examine(&signed(&header, &json!({}), &keys[key]), at(seconds)).now_or_never().unwrap().is_ok()
    };
    assert!(reads("k1", 0, 2_000) && !reads("k2", 1, 2_000));
    write(&[("k1", 0), ("k2", 1)]);
    assert!(reads("k2", 1, 2_002), "an unknown kid makes it look");
    write(&[("k2", 1)]);
    assert!(reads("k1", 0, 2_003), "it looks every ten seconds only");
    assert!(!reads("k1", 0, 2_020) && reads("k2", 1, 2_020), "a key that was taken out holds no more");
    write(&[("k2", 0)]);
    assert!(reads("k2", 0, 2_022), "another key of the same name");
    std::fs::write(&path, "half a fi").unwrap();
    assert!(reads("k2", 0, 2_040), "what can't be read changes nothing");
    std::fs::remove_file(&path).unwrap();
    assert!(reads("k2", 0, 2_060) && !reads("k3", 1, 2_080));
}

#[tokio::test]
async fn a_session_has_one_login_line_however_many_tokens_it_has_and_names_can_be_read() {
    let herald = herald().await;
    let nobody = herald.nobody();
    let now = herald.services().now().timestamp();
    for n in 0..20 {
        let claims =
            json!({ "sub": "5b1c", "preferred_username": "Анна Иванова", "iat": now - 100 + n, "exp": now + 600 + n });
        assert_eq!(viewer(&nobody.with_token(&token(&claims))).await["username"], "anna-ivanova");
    }
    for (sid, n) in [("s1", 1), ("s1", 2), ("s2", 3), ("s1", 4)] {
        let claims = json!({ "sub": "u-77", "preferred_username": "王伟", "sid": sid, "iat": now - 50 + n });
        assert_eq!(viewer(&nobody.with_token(&token(&claims))).await["username"], "u-77");
    }
    let lines = "{ auditLogs(first: 100, filter: { actions: [USER_LOGIN] }) { nodes { metadata } } }";
    let lines = herald.admin().await.data(lines, json!({})).await["auditLogs"]["nodes"].clone();
    let count =
        |subject: &str| lines.as_array().unwrap().iter().filter(|line| line["metadata"]["sso"] == subject).count();
    assert_eq!((count("5b1c"), count("u-77")), (1, 2), "{lines}");
}

#[tokio::test]
async fn a_claim_does_not_take_the_last_admin_away() {
    let herald = herald().await;
    let now = herald.services().now().timestamp();
    let with =
        |role: &str, iat: i64| herald.nobody().with_token(&token(&json!({ "sub": "olga", "role": role, "iat": iat })));
    let olga = with("ADMIN", now - 90);
    assert_eq!(viewer(&olga).await["role"], "ADMIN");
    let first = viewer(&herald.admin().await).await["id"].clone();
    assert_eq!(viewer(&with("OPERATOR", now - 80)).await["role"], "OPERATOR", "there is another admin");
    assert_eq!(viewer(&with("ADMIN", now - 70)).await["role"], "ADMIN");
    olga.data(DELETE, json!({ "id": first })).await;
    for (n, role) in ["OPERATOR", "AUDITOR", "nothing"].into_iter().enumerate() {
        let stays = viewer(&with(role, now - 60 + i64::try_from(n).unwrap())).await;
        assert_eq!(stays["role"], "ADMIN", "{role}");
    }
}

#[tokio::test]
async fn who_has_no_role_is_refused_where_a_setting_says_so() {
    let key = format!("--sso-key-file={}", file("issuer.pub.pem"));
    let flags = [&key, "--sso-alg=RS256", "--sso-no-role=refuse", "--sso-role-claim=realm_access.roles"];
    let herald =
        TestApp::with(&[&flags[..], &["--sso-role-map=herald-admin=ADMIN, herald-ops=operator"]].concat()).await;
    let ask = async |roles: Json| {
        let token = token(&json!({ "sub": format!("s{roles}"), "realm_access": { "roles": roles } }));
        herald.nobody().with_token(&token).query(VIEWER, json!({})).await
    };
    assert_eq!(ask(json!(["herald-ops"])).await.data()["viewer"]["role"], "OPERATOR");
    let refused = ask(json!(["ADMIN"])).await;
    assert_eq!(refused.code(), "UNAUTHENTICATED");
    assert!(refused.message().contains("no role"), "{refused:?}");
}

#[tokio::test]
async fn the_command_says_whom_a_token_speaks_of_or_what_is_wrong_with_it() {
    let database = Database::create().await;
    let folder = tempfile::tempdir().unwrap();
    let check = |token: &str| {
        let mut command = command("sso");
        command.args(["check", token, "--sso-alg=RS256", "--sso-issuer=https://id.example", "--sso-audience=herald"]);
        command.arg(format!("--sso-key-file={}", file("issuer.pub.pem")));
        command.arg("--data-dir").arg(folder.path()).args(database.flags());
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (code, text) = check(&token(&json!({ "role": "OPERATOR", "preferred_username": "ann" })));
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("ann") && text.contains("OPERATOR") && text.contains("u1"), "{text}");
    for (claims, why) in [
        (json!({ "aud": "mail" }), "HERALD_SSO_AUDIENCE"),
        (json!({ "iss": "https://evil.example" }), "HERALD_SSO_ISSUER"),
        (json!({ "exp": 1_000 }), "ended"),
        (json!({ "iat": LATE }), "HERALD_SSO_LEEWAY"),
    ] {
        let (code, text) = check(&token(&claims));
        assert!(code == Some(1) && text.contains(why), "{why}: {text}");
    }
    let (code, text) = check("nonsense");
    assert!(code == Some(1) && text.contains("no JWT"), "{text}");
}
