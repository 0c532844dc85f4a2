//! The credentials of each provider, as they are typed in.

use crate::prelude::*;
use domain::retention::credentials::{
    Credentials, Imap, ImapSecurity, Instantly, Keitaro, OAuth, Secret, Security, Smtp, Twilio, Vapi, Webhook,
};
use domain::retention::keitaro::Mapping;
use domain::retention::words::ConversionStatus;

/// The credentials of a mail server.
#[derive(InputObject)]
pub(crate) struct SmtpCredentialsInput {
    /// The name or address of the server.
    host: String,
    /// Its port, 587 by default.
    #[graphql(default = 587)]
    port: i32,
    /// How the way to it is kept private; STARTTLS by default.
    security: Option<Security>,
    /// By which name the server knows you; together with the password.
    username: Option<String>,
    /// The password that goes with the name. It is never shown again.
    password: Option<String>,
    /// Whom emails come from, such as `Ann of Example <ann@example.com>`.
    from: String,
    /// Where answers go, if not there.
    reply_to: Option<String>,
    /// The mailbox to which bounces go, and answers too unless replyTo says where, such as `inbox@example.com`: each email has an
    /// address of its own there, `inbox+...@example.com`. What comes in is read by imap, or is to be posted to `/api/webhooks/mail`.
    inbox: Option<String>,
    /// The token with which what comes in is posted to `/api/webhooks/mail`: 16 to 128 letters, digits, `-` or `_`. It is never shown
    /// again.
    webhook_token: Option<String>,
    /// How the mailbox is read to which bounces and answers come. Its emails stay there as they are, and are not marked as read.
    imap: Option<ImapCredentialsInput>,
    /// Emails a second at most, 10 by default, at most 1,000.
    #[graphql(default = 10)]
    per_second: i32,
}

/// How the mailbox is read to which bounces and answers come.
#[derive(InputObject)]
pub(crate) struct ImapCredentialsInput {
    /// The name or address of the IMAP server.
    host: String,
    /// Its port, 993 by default.
    #[graphql(default = 993)]
    port: i32,
    /// How the way to it is kept private; TLS by default.
    security: Option<ImapSecurity>,
    /// By which name the server knows the mailbox, mostly its address.
    username: String,
    /// The password that goes with the name, mostly one that the mail service makes for programs. It is never shown again. Either this or
    /// oauth.
    password: Option<String>,
    /// How a token is got, where the mail service takes no password of programs: Microsoft 365, and Gmail without app passwords.
    oauth: Option<ImapOAuthInput>,
    /// The folder that is read, INBOX by default.
    folder: Option<String>,
}

/// How a token is got that opens a mailbox (OAuth 2, XOAUTH2). With a refresh token it is one that the mailbox's owner has agreed to;
/// without, one of the program itself (client credentials).
#[derive(InputObject)]
#[graphql(name = "ImapOAuthInput")]
pub(crate) struct ImapOAuthInput {
    /// The token endpoint, such as `https://oauth2.googleapis.com/token` or
    /// `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token`.
    token_url: String,
    /// By which id the service knows the program.
    client_id: String,
    /// The secret that goes with the id. It is never shown again.
    client_secret: Option<String>,
    /// What the mailbox's owner has agreed to. It is never shown again, and never replaced: one that ends with its first use can't be used.
    refresh_token: Option<String>,
    /// What the token is to be good for, such as `https://outlook.office365.com/.default`.
    scope: Option<String>,
}

/// The credentials of a Twilio account.
#[derive(InputObject)]
pub(crate) struct TwilioCredentialsInput {
    /// The account: `AC` and 32 hexadecimal digits.
    account_sid: String,
    /// The auth token; callbacks are checked by it, too. It is never shown again.
    auth_token: String,
    /// The number that messages come from, E.164. Either this or messagingServiceSid.
    from: Option<String>,
    /// The Messaging Service that messages come from: `MG` and 32 hexadecimal digits.
    messaging_service_sid: Option<String>,
    /// Segments a second at most, 1 by default: what a long code takes.
    #[graphql(default = 1)]
    segments_per_second: i32,
}

/// The credentials of a VAPI organisation.
#[derive(InputObject)]
pub(crate) struct VapiCredentialsInput {
    /// The private key. It is never shown again.
    api_key: String,
    /// What VAPI's reports must carry as `X-Vapi-Secret`; Herald tells VAPI with each call. Never shown again.
    webhook_secret: String,
    /// The assistant of calls whose script names none.
    assistant_id: Option<String>,
    /// The phone number of calls whose script names none.
    phone_number_id: Option<String>,
}

/// The credentials of an Instantly workspace.
#[derive(InputObject)]
pub(crate) struct InstantlyCredentialsInput {
    /// A key of version 2 of the API, with the scopes of campaigns, leads and webhooks. It is never shown again.
    api_key: String,
    /// What Instantly's webhooks must carry as `X-Herald-Secret`; Herald sets them up so. Never shown again.
    webhook_secret: String,
    /// The email accounts that campaigns are sent from, at most 100.
    #[graphql(default)]
    accounts: Vec<String>,
}

/// How webhooks are signed.
#[derive(InputObject)]
pub(crate) struct WebhookCredentialsInput {
    /// The key of the signature, 16 to 512 bytes. It is never shown again.
    secret: String,
}

/// How Keitaro's postbacks are known.
#[derive(InputObject)]
pub(crate) struct KeitaroCredentialsInput {
    /// The token in their path, query or header: 16 to 128 letters, digits, `-` or `_`. It is never shown again.
    token: String,
    /// The currency of revenue that names none; USD by default.
    #[graphql(default_with = "String::from(\"USD\")")]
    currency: String,
    /// Whether a tentative conversion, a `lead`, ends sequences as a sale does.
    #[graphql(default = true)]
    lead_converts: bool,
    /// What words of postbacks stand for, where they are not understood, or otherwise, at most 200; none by default.
    #[graphql(default)]
    postback_mapping: Vec<PostbackMappingInput>,
}

/// What a word of postbacks stands for.
#[derive(InputObject)]
pub(crate) struct PostbackMappingInput {
    /// The word, as it comes as `status` or `event`. Capitals, blanks and signs do not count.
    word: String,
    /// What it stands for.
    status: ConversionStatus,
}

/// The list that operators give.
pub(crate) fn mapping(given: Vec<PostbackMappingInput>) -> Mapping {
    Mapping::of(given.into_iter().map(|one| (one.word, one.status)))
}

/// The credentials that were given, which must be those of one provider.
pub(crate) fn one_of(
    smtp: Option<SmtpCredentialsInput>,
    twilio: Option<TwilioCredentialsInput>,
    vapi: Option<VapiCredentialsInput>,
    instantly: Option<InstantlyCredentialsInput>,
    webhook: Option<WebhookCredentialsInput>,
    keitaro: Option<KeitaroCredentialsInput>,
) -> Result<Credentials> {
    let given = [
        smtp.map(Into::into),
        twilio.map(Into::into),
        vapi.map(Into::into),
        instantly.map(Into::into),
        webhook.map(Into::into),
        keitaro.map(Into::into),
    ];
    let mut given = given.into_iter().flatten();
    match (given.next(), given.next()) {
        (Some(credentials), None) => Ok(credentials),
        _ => Err(Error::invalid("smtp", "the credentials of exactly one provider are wanted")),
    }
}

/// A number that is out of range becomes one that no provider takes, and is told as such.
pub(crate) fn number<T: TryFrom<i32> + Default>(number: i32) -> T {
    T::try_from(number).unwrap_or_default()
}

/// An empty text is none.
pub(crate) fn some(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

impl From<SmtpCredentialsInput> for Credentials {
    fn from(input: SmtpCredentialsInput) -> Self {
        let SmtpCredentialsInput {
            host,
            port,
            security,
            username,
            password,
            from,
            reply_to,
            inbox,
            webhook_token,
            imap,
            per_second,
        } = input;
        Self::Smtp(Smtp {
            host: host.trim().to_owned(),
            port: number(port),
            security: security.unwrap_or_default(),
            username: some(username),
            password: password.filter(|password| !password.is_empty()).map(Secret::new),
            from: from.trim().to_owned(),
            reply_to: some(reply_to),
            inbox: some(inbox),
            webhook_token: some(webhook_token).map(Secret::new),
            imap: imap.map(|imap| Box::new(imap.into())),
            per_second: number(per_second),
        })
    }
}

impl From<ImapCredentialsInput> for Imap {
    fn from(input: ImapCredentialsInput) -> Self {
        let ImapCredentialsInput { host, port, security, username, password, oauth, folder } = input;
        Self {
            host: host.trim().to_owned(),
            port: number(port),
            security: security.unwrap_or_default(),
            username: username.trim().to_owned(),
            password: password.map(Secret::new),
            oauth: oauth.map(Into::into),
            folder: some(folder).unwrap_or_else(|| "INBOX".into()),
        }
    }
}

impl From<ImapOAuthInput> for OAuth {
    fn from(input: ImapOAuthInput) -> Self {
        let ImapOAuthInput { token_url, client_id, client_secret, refresh_token, scope } = input;
        Self {
            token_url: token_url.trim().to_owned(),
            client_id: client_id.trim().to_owned(),
            client_secret: some(client_secret).map(Secret::new),
            refresh_token: some(refresh_token).map(Secret::new),
            scope: some(scope),
        }
    }
}

impl From<TwilioCredentialsInput> for Credentials {
    fn from(input: TwilioCredentialsInput) -> Self {
        let TwilioCredentialsInput { account_sid, auth_token, from, messaging_service_sid, segments_per_second } =
            input;
        Self::Twilio(Twilio {
            account_sid: account_sid.trim().to_owned(),
            auth_token: Secret::new(auth_token.trim()),
            from: some(from),
            messaging_service_sid: some(messaging_service_sid),
            segments_per_second: number(segments_per_second),
        })
    }
}

impl From<VapiCredentialsInput> for Credentials {
    fn from(input: VapiCredentialsInput) -> Self {
        let VapiCredentialsInput { api_key, webhook_secret, assistant_id, phone_number_id } = input;
        Self::Vapi(Vapi {
            api_key: Secret::new(api_key.trim()),
            webhook_secret: Secret::new(webhook_secret.trim()),
            assistant_id: some(assistant_id),
            phone_number_id: some(phone_number_id),
        })
    }
}

impl From<InstantlyCredentialsInput> for Credentials {
    fn from(input: InstantlyCredentialsInput) -> Self {
        let InstantlyCredentialsInput { api_key, webhook_secret, accounts } = input;
        Self::Instantly(Instantly {
            api_key: Secret::new(api_key.trim()),
            webhook_secret: Secret::new(webhook_secret.trim()),
            accounts,
        })
    }
}

impl From<WebhookCredentialsInput> for Credentials {
    fn from(input: WebhookCredentialsInput) -> Self {
        Self::Webhook(Webhook { secret: Secret::new(input.secret) })
    }
}

impl From<KeitaroCredentialsInput> for Credentials {
    fn from(input: KeitaroCredentialsInput) -> Self {
        let KeitaroCredentialsInput { token, currency, lead_converts, postback_mapping } = input;
        Self::Keitaro(Keitaro {
            token: Secret::new(token.trim()),
            currency: currency.trim().to_uppercase(),
            lead_converts,
            postback_mapping: mapping(postback_mapping),
        })
    }
}
