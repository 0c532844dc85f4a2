//! What may change about an integration while its secrets stay: whom it writes as, how fast, what it makes of words. Where it connects
//! to can't: a secret would go to another server.

use async_graphql::MaybeUndefined;

use super::{Credentials, Instantly, Keitaro, Provider, Secret, Security, Smtp, Twilio, Vapi, Webhook};
use crate::error::{Result, Violations};
use crate::retention::keitaro::Mapping;

/// Changes; what is undefined stays, null removes.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// Whom emails or text messages come from.
    pub from: MaybeUndefined<String>,
    /// Where answers to emails go.
    pub reply_to: MaybeUndefined<String>,
    /// The mailbox to which bounces and answers come.
    pub inbox: MaybeUndefined<String>,
    /// Emails a second at most.
    pub per_second: Option<u32>,
    /// The Messaging Service of text messages.
    pub messaging_service_sid: MaybeUndefined<String>,
    /// Segments of text messages a second at most.
    pub segments_per_second: Option<u32>,
    /// The assistant of calls.
    pub assistant_id: MaybeUndefined<String>,
    /// The phone number of calls.
    pub phone_number_id: MaybeUndefined<String>,
    /// The accounts that campaigns are sent from.
    pub accounts: Option<Vec<String>>,
    /// The currency of revenue that names none.
    pub currency: Option<String>,
    /// Whether a tentative conversion ends sequences.
    pub lead_converts: Option<bool>,
    /// What words of postbacks stand for, in place of those before.
    pub postback_mapping: Option<Mapping>,
}

fn set(field: &mut Option<String>, to: &MaybeUndefined<String>) {
    match to {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *field = None,
        MaybeUndefined::Value(text) => *field = Some(text.clone()),
    }
}

fn put<T: Clone>(field: &mut T, to: Option<&T>) {
    if let Some(to) = to {
        *field = to.clone();
    }
}

impl Change {
    /// The fields that are given, by name, and whose they are.
    fn given(&self) -> impl Iterator<Item = (&'static str, &'static [Provider])> {
        let is = |field: &MaybeUndefined<String>| !field.is_undefined();
        let all: [(bool, &'static str, &'static [Provider]); 12] = [
            (is(&self.from), "from", &[Provider::Smtp, Provider::Twilio]),
            (is(&self.reply_to), "replyTo", &[Provider::Smtp]),
            (is(&self.inbox), "inbox", &[Provider::Smtp]),
            (self.per_second.is_some(), "perSecond", &[Provider::Smtp]),
            (is(&self.messaging_service_sid), "messagingServiceSid", &[Provider::Twilio]),
            (self.segments_per_second.is_some(), "segmentsPerSecond", &[Provider::Twilio]),
            (is(&self.assistant_id), "assistantId", &[Provider::Vapi]),
            (is(&self.phone_number_id), "phoneNumberId", &[Provider::Vapi]),
            (self.accounts.is_some(), "accounts", &[Provider::Instantly]),
            (self.currency.is_some(), "currency", &[Provider::Keitaro]),
            (self.lead_converts.is_some(), "leadConverts", &[Provider::Keitaro]),
            (self.postback_mapping.is_some(), "postbackMapping", &[Provider::Keitaro]),
        ];
        all.into_iter().filter(|(is_given, ..)| *is_given).map(|(_, name, of)| (name, of))
    }

    /// The credentials with these changes.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid) with all that can't be right, also what another provider has.
    pub fn onto(&self, mut to: Credentials) -> Result<Credentials> {
        let mut violations = Violations::default();
        self.apply(&mut to, &mut violations);
        // Told by the name of the field: here there is but one provider.
        let mut found = Violations::default();
        to.check(&mut found);
        found.without_step(to.provider().name()).for_each(|violation| violations.push(violation));
        violations.into_result().map(|()| to)
    }

    /// What is wrong with these changes, whoever of the providers that have all of these fields it is.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::error::Error::Invalid) with it.
    pub fn check_alone(&self) -> Result<()> {
        let has_all = |one: &Credentials| self.given().all(|(_, of)| of.contains(&one.provider()));
        Violations::of_any(any().into_iter().filter(has_all).map(|one| self.onto(one)))
    }

    /// Changes the credentials, and notes what another provider has.
    fn apply(&self, to: &mut Credentials, violations: &mut Violations) {
        let provider = to.provider();
        for (name, of) in self.given().filter(|(_, of)| !of.contains(&provider)) {
            let of: Vec<&str> = of.iter().map(|provider| provider.name()).collect();
            let message = format!("belongs to {}, and this is {}", of.join(" and "), provider.name());
            violations.require(false, name, message);
        }
        match to {
            Credentials::Smtp(smtp) => {
                match &self.from {
                    MaybeUndefined::Value(from) => smtp.from.clone_from(from),
                    MaybeUndefined::Null => violations.require(false, "from", "is wanted: emails come from somebody"),
                    MaybeUndefined::Undefined => {}
                }
                set(&mut smtp.reply_to, &self.reply_to);
                set(&mut smtp.inbox, &self.inbox);
                put(&mut smtp.per_second, self.per_second.as_ref());
            }
            Credentials::Twilio(twilio) => {
                set(&mut twilio.from, &self.from);
                set(&mut twilio.messaging_service_sid, &self.messaging_service_sid);
                put(&mut twilio.segments_per_second, self.segments_per_second.as_ref());
            }
            Credentials::Vapi(vapi) => {
                set(&mut vapi.assistant_id, &self.assistant_id);
                set(&mut vapi.phone_number_id, &self.phone_number_id);
            }
            Credentials::Instantly(instantly) => put(&mut instantly.accounts, self.accounts.as_ref()),
            Credentials::Webhook(_) => {}
            Credentials::Keitaro(keitaro) => {
                put(&mut keitaro.currency, self.currency.as_ref());
                put(&mut keitaro.lead_converts, self.lead_converts.as_ref());
                put(&mut keitaro.postback_mapping, self.postback_mapping.as_ref());
            }
        }
    }
}

/// Credentials that are right, of each kind that there is: nobody's.
fn any() -> [Credentials; 7] {
    let secret = || Secret::new("0123456789abcdef");
    let twilio = |from: Option<&str>, service: Option<String>| {
        Credentials::Twilio(Twilio {
            account_sid: format!("AC{}", "0".repeat(32)),
            auth_token: secret(),
            from: from.map(Into::into),
            messaging_service_sid: service,
            segments_per_second: 1,
        })
    };
    [
        Credentials::Smtp(Smtp {
            host: "localhost".into(),
            port: 25,
            security: Security::Starttls,
            username: None,
            password: None,
            from: "any@localhost".into(),
            reply_to: None,
            inbox: None,
            webhook_token: Some(secret()),
            imap: None,
            per_second: 1,
        }),
        twilio(Some("+15550100"), None),
        twilio(None, Some(format!("MG{}", "0".repeat(32)))),
        Credentials::Vapi(Vapi {
            api_key: secret(),
            webhook_secret: secret(),
            assistant_id: None,
            phone_number_id: None,
        }),
        Credentials::Instantly(Instantly { api_key: secret(), webhook_secret: secret(), accounts: Vec::new() }),
        Credentials::Webhook(Webhook { secret: secret() }),
        Credentials::Keitaro(Keitaro {
            token: secret(),
            currency: "USD".into(),
            lead_converts: false,
            postback_mapping: Mapping::default(),
        }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn wrong(change: &Change) -> Vec<String> {
        match change.check_alone() {
            Err(Error::Invalid(wrong)) => wrong.iter().map(|one| one.path.join(".")).collect(),
            other => other.map(|()| Vec::new()).unwrap(),
        }
    }

    #[test]
    fn what_is_wrong_with_a_change_of_any_is_told_and_no_more() {
        assert_eq!(wrong(&Change::default()), [""; 0], "those of nobody are right");
        let from = |text: &str| MaybeUndefined::Value(text.to_owned());
        let slow = Change { per_second: Some(0), from: from("nobody"), ..Change::default() };
        assert_eq!(wrong(&slow), ["input.from", "input.perSecond"]);
        assert_eq!(wrong(&Change { from: from("+15550101"), ..Change::default() }), [""; 0], "it may be Twilio's");
        let service = Change { messaging_service_sid: from("MG1"), ..Change::default() };
        assert_eq!(wrong(&service), ["input.messagingServiceSid"]);
        assert_eq!(wrong(&Change { currency: Some("usd".into()), ..Change::default() }), ["input.currency"]);
        assert_eq!(wrong(&Change { accounts: Some(vec!["x".into()]), ..Change::default() }), ["input.accounts"]);
        assert_eq!(wrong(&Change { inbox: from("x y"), ..Change::default() }), ["input.inbox"]);
    }
}
