//! Somebody who uses the API, over real HTTP.

use serde_json::{Value as Json, json};

use super::Subscription;

/// A client: nobody, or somebody who has signed in.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    /// Where a trusted proxy says that he is.
    address: Option<String>,
}

/// What an operation answered.
#[derive(Debug, Clone)]
pub struct Reply(pub Json);

impl Client {
    pub fn new(base: String) -> Self {
        herald::app::install_tls();
        Self { http: reqwest::Client::new(), base, token: None, address: None }
    }

    /// The same client with another token.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same client at another address, by a proxy that is trusted.
    pub fn at_address(&self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self.clone() }
    }

    /// The same person at another process.
    pub fn at(&self, base: String) -> Self {
        Self { base, ..self.clone() }
    }

    pub async fn sign_in(&self, username: &str, password: &str) -> Self {
        let reply = self.login(username, password).await;
        self.with_token(reply.data()["login"]["accessToken"].as_str().unwrap())
    }

    pub async fn login(&self, username: &str, password: &str) -> Reply {
        let login = "mutation($input: LoginInput!) {
            login(input: $input) { accessToken refreshToken expiresAt user { id username role } } }";
        self.query(login, json!({ "input": { "username": username, "password": password } })).await
    }

    /// Runs an operation.
    pub async fn query(&self, document: &str, variables: Json) -> Reply {
        let request = self.request(reqwest::Method::POST, "/graphql");
        let answer = request.json(&json!({ "query": document, "variables": variables })).send().await.unwrap();
        Reply(answer.json().await.unwrap())
    }

    /// Runs an operation that must go well, and returns its data.
    pub async fn data(&self, document: &str, variables: Json) -> Json {
        self.query(document, variables).await.data().clone()
    }

    /// Runs an operation over a WebSocket.
    pub async fn subscribe(&self, document: &str, variables: Json) -> Subscription {
        let url = self.base.replacen("http", "ws", 1) + "/graphql";
        Subscription::start(&url, self.token.as_deref(), document, variables).await
    }

    /// Uploads a file, and returns its id.
    pub async fn upload(&self, body: impl Into<reqwest::Body>) -> String {
        let answer = self.request(reqwest::Method::POST, "/uploads").body(body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        answer.json::<Json>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// The token that it shows.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// A request of one's own making.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        let request = match &self.address {
            Some(address) => request.header("x-forwarded-for", address),
            None => request,
        };
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

impl Reply {
    /// The data of an operation that must have gone well.
    #[track_caller]
    pub fn data(&self) -> &Json {
        assert!(self.errors().is_empty(), "{:#}", self.0);
        &self.0["data"]
    }

    /// The data of an operation of which a part may have gone wrong.
    pub fn answered(&self) -> &Json {
        &self.0["data"]
    }

    pub fn errors(&self) -> &[Json] {
        self.0["errors"].as_array().map_or(&[], Vec::as_slice)
    }

    /// The code of the first error; empty if there is none.
    pub fn code(&self) -> &str {
        self.0["errors"][0]["extensions"]["code"].as_str().unwrap_or_default()
    }

    /// The message of the first error; empty if there is none.
    pub fn message(&self) -> &str {
        self.0["errors"][0]["message"].as_str().unwrap_or_default()
    }

    /// The paths of all violations, joined by dots.
    pub fn violations(&self) -> Vec<String> {
        let violations = self.0["errors"][0]["extensions"]["violations"].as_array().cloned().unwrap_or_default();
        let path = |path: &Json| -> Vec<String> {
            path.as_array().unwrap().iter().map(|part| part.as_str().unwrap().to_owned()).collect()
        };
        violations.iter().map(|violation| path(&violation["path"]).join(".")).collect()
    }
}
