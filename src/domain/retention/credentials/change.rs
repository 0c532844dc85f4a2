//! What may change about an integration while its secrets stay: whom it writes as, how fast, what it makes of words. Where it connects
//! to can't: a secret would go to another server.

use async_graphql::MaybeUndefined;

use super::{Credentials, Provider};
use crate::error::Violations;
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
        use Provider::{Instantly, Keitaro, Smtp, Twilio, Vapi};
        let is = |field: &MaybeUndefined<String>| !field.is_undefined();
        let all: [(bool, &'static str, &'static [Provider]); 12] = [
            (is(&self.from), "from", &[Smtp, Twilio]),
            (is(&self.reply_to), "replyTo", &[Smtp]),
            (is(&self.inbox), "inbox", &[Smtp]),
            (self.per_second.is_some(), "perSecond", &[Smtp]),
            (is(&self.messaging_service_sid), "messagingServiceSid", &[Twilio]),
            (self.segments_per_second.is_some(), "segmentsPerSecond", &[Twilio]),
            (is(&self.assistant_id), "assistantId", &[Vapi]),
            (is(&self.phone_number_id), "phoneNumberId", &[Vapi]),
            (self.accounts.is_some(), "accounts", &[Instantly]),
            (self.currency.is_some(), "currency", &[Keitaro]),
            (self.lead_converts.is_some(), "leadConverts", &[Keitaro]),
            (self.postback_mapping.is_some(), "postbackMapping", &[Keitaro]),
        ];
        all.into_iter().filter(|(is_given, ..)| *is_given).map(|(_, name, of)| (name, of))
    }

    /// Changes the credentials, and notes what can't be right: also what another provider has.
    pub fn apply(&self, to: &mut Credentials, violations: &mut Violations) {
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
