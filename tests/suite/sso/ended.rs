//! What was ended here, or decided by an admin, stands against tokens that were issued before, also if they are shown afterwards.

use super::*;
use crate::harness::eventually;

#[tokio::test]
async fn an_admins_word_stands_against_tokens_that_were_issued_before() {
    let herald = herald().await;
    let role = async |claims: Json| {
        let mut all = json!({ "sub": "olga", "role": "ADMIN" });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        viewer(&herald.nobody().with_token(&token(&all))).await
    };
    let now = || herald.services().now().timestamp();
    let first = role(json!({ "iat": now() - 100 })).await;
    assert_eq!(first["role"], "ADMIN");
    let demote = "mutation($id: ID!, $role: UserRole!) { updateUser(input: { id: $id, role: $role }) { user { id } } }";
    let give = async |role: &str| {
        herald.admin().await.data(demote, json!({ "id": first["id"], "role": role })).await;
    };
    let before = now();
    give("AUDITOR").await;
    assert_eq!(role(json!({ "iat": now() - 50 })).await["role"], "AUDITOR", "issued before, shown afterwards");
    assert_eq!(role(json!({ "iat": now() - 100 })).await["role"], "AUDITOR");
    assert_eq!(role(json!({ "iat": null })).await["role"], "AUDITOR", "nobody knows how old it is");
    assert_eq!(
        role(json!({ "iat": before + 20 })).await["role"],
        "AUDITOR",
        "a clock that is ahead has issued it before"
    );
    give("ADMIN").await;
    assert_eq!(role(json!({ "iat": null, "role": "OPERATOR" })).await["role"], "OPERATOR", "what takes away counts");
    assert_eq!(role(json!({ "iat": null })).await["role"], "OPERATOR");
}

#[tokio::test]
async fn what_the_issuer_says_after_an_admin_counts() {
    let key = format!("--sso-key-file={}", file("issuer.pub.pem"));
    let herald = TestApp::with(&[&key, "--sso-alg=RS256", "--sso-leeway=1s"]).await;
    let now = || herald.services().now().timestamp();
    let shows = async |iat: i64| {
        viewer(&herald.nobody().with_token(&token(&json!({ "sub": "olga", "role": "ADMIN", "iat": iat })))).await
    };
    let id = shows(now() - 100).await["id"].clone();
    let demote = "mutation($id: ID!) { updateUser(input: { id: $id, role: AUDITOR }) { user { id } } }";
    herald.admin().await.data(demote, json!({ "id": id })).await;
    assert_eq!(shows(now() - 50).await["role"], "AUDITOR");
    eventually("the issuer has said it again", async || shows(now()).await["role"] == "ADMIN").await;
}

#[tokio::test]
async fn tokens_of_an_ended_session_open_none_also_if_nobody_has_seen_them_before() {
    let herald = herald().await;
    let now = herald.services().now().timestamp();
    let with = |claims: Json| {
        let mut all = json!({ "sub": "anna", "role": "OPERATOR" });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        herald.nobody().with_token(&token(&all))
    };
    let is_in = async |client: &Client| client.query(VIEWER, json!({})).await.0["errors"].is_null();
    let [here, there, another] =
        [("s1", -100), ("s1", -90), ("s2", -80)].map(|(sid, iat)| with(json!({ "sid": sid, "iat": now + iat })));
    for client in [&here, &there, &another] {
        assert!(is_in(client).await);
    }
    here.data("mutation { logout { user { id } } }", json!({})).await;
    assert!(!is_in(&here).await && !is_in(&there).await, "each token of the session");
    assert!(is_in(&another).await, "the other session goes on");
    assert!(!is_in(&with(json!({ "sid": "s1", "iat": now - 70 }))).await, "issued before the end, shown after it");
    assert!(!is_in(&with(json!({ "sid": "s1", "iat": null }))).await, "nobody knows how old it is");
    assert!(is_in(&with(json!({ "sid": "s1", "iat": now + 20 }))).await, "the issuer says it again");
    assert!(is_in(&with(json!({ "sid": "s3", "iat": now - 60 }))).await);
    let other = herald.nobody().with_token(&token(&json!({ "sub": "other", "sid": "s1", "iat": now - 60 })));
    assert!(is_in(&other).await, "somebody else's session has the same name");
    another.data("mutation { logout(input: { everywhere: true }) { user { id } } }", json!({})).await;
    for claims in
        [json!({ "sid": "s4", "iat": now - 50 }), json!({ "iat": now - 50 }), json!({ "sid": "s3", "iat": now - 40 })]
    {
        assert!(!is_in(&with(claims.clone())).await, "{claims}");
    }
    assert!(is_in(&with(json!({ "sid": "s4", "iat": now + 25 }))).await && is_in(&other).await);
    let ended = with(json!({ "sid": "s5", "iat": now + 21 }));
    assert!(is_in(&ended).await);
    let sessions = "{ users(filter: { usernameContains: \"anna\" }) { nodes { id } } }";
    let id = herald.admin().await.data(sessions, json!({})).await["users"]["nodes"][0]["id"].clone();
    let password =
        "mutation($id: ID!) { updateUser(input: { id: $id, password: \"a new one, and long\" }) { user { id } } }";
    herald.admin().await.data(password, json!({ "id": id })).await;
    assert!(!is_in(&ended).await && !is_in(&with(json!({ "sid": "s6", "iat": now - 30 }))).await);
}

#[tokio::test]
async fn a_token_that_says_neither_its_session_nor_its_age_opens_nothing_that_was_ended() {
    let herald = herald().await;
    let now = herald.services().now().timestamp();
    let with = |sub: &str, claims: Json| {
        let mut all = json!({ "sub": sub, "role": "OPERATOR", "iat": null });
        all.as_object_mut().unwrap().extend(claims.as_object().unwrap().clone());
        herald.nobody().with_token(&token(&all))
    };
    let is_in = async |client: &Client| client.query(VIEWER, json!({})).await.0["errors"].is_null();
    let logout = "mutation($everywhere: Boolean) { logout(input: { everywhere: $everywhere }) { user { id } } }";
    // Without a session's name what was shown is a session each, and what was issued before one of them ended opens none any more.
    let [first, second] = [-100, -90].map(|iat| with("vera", json!({ "iat": now + iat })));
    assert!(is_in(&first).await && is_in(&second).await);
    first.data(logout, json!({ "everywhere": false })).await;
    assert!(!is_in(&first).await && is_in(&second).await);
    assert!(!is_in(&with("vera", json!({ "iat": now - 80 }))).await, "issued before, shown afterwards");
    assert!(!is_in(&with("vera", json!({ "nbf": now - 70 }))).await, "so old as it can be");
    assert!(
        is_in(&with("vera", json!({ "iat": now + 20 }))).await
            && is_in(&with("vera", json!({ "nbf": now + 21 }))).await
    );
    // One that says nothing of its age is refused while there can be others of the session that was ended, and told why.
    let undated = with("nina", json!({ "jti": "1" }));
    assert!(is_in(&undated).await);
    undated.data(logout, json!({ "everywhere": false })).await;
    let refused = with("nina", json!({ "jti": "2" })).query(VIEWER, json!({})).await;
    assert!(refused.code() == "UNAUTHENTICATED" && refused.message().contains("no iat"), "{refused:?}");
    assert!(is_in(&with("nina", json!({ "iat": now + 22 }))).await);
    let everywhere = with("nina", json!({ "iat": now + 23 }));
    assert!(is_in(&everywhere).await);
    everywhere.data(logout, json!({ "everywhere": true })).await;
    let refused = with("nina", json!({ "jti": "3", "sid": "new" })).query(VIEWER, json!({})).await;
    assert!(refused.message().contains("no iat"), "{refused:?}");
    assert!(is_in(&with("olga", json!({ "jti": "4" }))).await, "nothing was ended of somebody else");
}
