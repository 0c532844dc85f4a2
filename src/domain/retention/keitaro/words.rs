//! The words by which postbacks call what happened.

use super::ConversionStatus;

/// The meaning of a word; None if it is not known, and then nothing is made of it. What is told of a duplicate, or for a try, says
/// nothing of the conversion that there is.
fn meaning(written: &str) -> Option<ConversionStatus> {
    Some(match plain(written).as_str() {
        "sale" | "approved" | "approve" | "confirmed" | "confirm" | "paid" | "deposit" | "firstdeposit" | "ftd"
        | "rebill" | "purchase" | "purchased" | "accepted" | "accept" | "success" | "successful" | "completed"
        | "complete" | "payed" | "order" | "upsell" | "redeposit" => ConversionStatus::Sale,
        "registration" | "signup" | "register" | "registered" | "reg" => ConversionStatus::Signup,
        "trial" => ConversionStatus::Trial,
        "rejected" | "reject" | "trash" | "cancelled" | "canceled" | "cancel" | "declined" | "decline"
        | "chargeback" | "refund" | "refunded" | "denied" | "deny" | "fail" | "failed" | "failure" | "fraud"
        | "fraudulent" | "spam" | "invalid" | "void" | "voided" | "reversed" | "disputed" | "dispute" | "bad"
        | "returned" => ConversionStatus::Rejected,
        "lead" | "hold" | "pending" | "wait" | "waiting" | "new" | "processing" | "inprogress" => {
            ConversionStatus::Lead
        }
        _ => return None,
    })
}

fn plain(written: &str) -> String {
    written.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether a status is one of those that are understood: of any other nothing follows for the lead.
pub fn is_known(status: &str) -> bool {
    meaning(status).is_some()
}

/// Whether a status stands for one more conversion of who has converted before.
pub fn is_additional(status: &str) -> bool {
    ["rebill", "upsell", "redeposit"].contains(&plain(status).as_str())
}

/// The meaning of a status. One that is unknown is taken as not confirmed, and ends nothing: see [`is_known`].
pub(super) fn status(written: &str) -> ConversionStatus {
    meaning(written).unwrap_or(ConversionStatus::Lead)
}
