//! The number of a message, from the answer to its send.

use grammers_client::tl::enums::{Update, Updates};

use domain::delivery::Receipt;

/// Reads the answer to the send under `random_id`.
///
/// A repetition is refused by some servers and echoed by others: the echo has the number of the first message.
pub(super) fn read(updates: Updates, random_id: i64) -> Receipt {
    let message_id = match updates {
        Updates::UpdateShortSentMessage(sent) => Some(sent.id),
        Updates::Updates(all) => among(&all.updates, random_id),
        Updates::Combined(all) => among(&all.updates, random_id),
        _ => None,
    };
    Receipt::Accepted { message_id: message_id.map(i64::from) }
}

fn among(updates: &[Update], random_id: i64) -> Option<i32> {
    updates.iter().find_map(|update| match update {
        Update::MessageId(told) if told.random_id == random_id => Some(told.id),
        _ => None,
    })
}
