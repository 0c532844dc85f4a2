//! How many contacts a minute all processes together make on one channel, at most. Providers have paces of their own besides.

use super::words::ContactChannel;

/// Contacts a minute.
pub const fn per_minute(channel: ContactChannel, is_simulated: bool) -> i64 {
    if is_simulated {
        return 600_000;
    }
    match channel {
        ContactChannel::Email => 1_200,
        ContactChannel::Sms => 600,
        ContactChannel::Call | ContactChannel::Telegram => 60,
        ContactChannel::Webhook => 6_000,
    }
}
