//! A client of the API: what it knows is the address and a login.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use reqwest::{Client, Response};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value as Json, json};

use super::socket::Socket;

/// No request of the demonstration takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

const LOGIN: &str = "mutation Login($input: LoginInput!) { login(input: $input) { accessToken user { role } } }";

/// Somebody who has signed in.
#[derive(Clone)]
pub struct Api {
    http: Client,
    address: SocketAddr,
    token: SecretString,
}

impl Api {
    /// Signs in.
    pub async fn sign_in(address: SocketAddr, username: &str, password: &SecretString) -> Result<Self> {
        // The server is on this machine: no proxy stands between.
        let http = Client::builder().no_proxy().timeout(PATIENCE).build()?;
        let mut api = Self { http, address, token: String::new().into() };
        let login = json!({ "input": { "username": username, "password": password.expose_secret() } });
        let data = api.ask(LOGIN, login).await?;
        let token = data["login"]["accessToken"].as_str().context("the login gave no token")?;
        api.token = token.to_owned().into();
        Ok(api)
    }

    /// The data that an operation answers.
    pub async fn ask(&self, query: &str, variables: Json) -> Result<Json> {
        let body = json!({ "query": query, "variables": variables });
        let request = self.http.post(format!("http://{}/graphql", self.address)).json(&body);
        // The login comes without a token.
        let request = match self.token.expose_secret() {
            "" => request,
            token => request.bearer_auth(token),
        };
        let mut answer = read(request.send().await?).await?;
        Ok(answer["data"].take())
    }

    /// Hands a file over; returns the upload's id.
    pub async fn upload(&self, file: Vec<u8>) -> Result<String> {
        let request = self.http.post(format!("http://{}/uploads", self.address)).body(file);
        let answer = read(request.bearer_auth(self.token.expose_secret()).send().await?).await?;
        Ok(answer["id"].as_str().context("the upload has no id")?.to_owned())
    }

    /// A socket for subscriptions.
    pub async fn socket(&self) -> Result<Socket> {
        Socket::open(self.address, self.token.expose_secret()).await
    }
}

/// The body of an answer; an error that it tells is an error.
async fn read(response: Response) -> Result<Json> {
    let status = response.status();
    let text = response.text().await?;
    let Ok(body) = serde_json::from_str::<Json>(&text) else { bail!("the server answered {status}: {text}") };
    match first_error(&body["errors"]) {
        Some(error) => bail!(error),
        None if status.is_success() => Ok(body),
        None => bail!("the server answered {status}"),
    }
}

/// The first of GraphQL's errors, in one line.
pub fn first_error(errors: &Json) -> Option<String> {
    let error = errors.as_array()?.first()?;
    let message = error["message"].as_str().unwrap_or("an error without a message");
    let violations = error["extensions"]["violations"].as_array().into_iter().flatten();
    let details: Vec<&str> = violations.filter_map(|violation| violation["message"].as_str()).collect();
    if details.is_empty() { Some(message.into()) } else { Some(format!("{message}: {}", details.join("; "))) }
}
