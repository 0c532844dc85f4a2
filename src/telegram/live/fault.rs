//! What the protocol's library calls an error, as Herald understands it.

use grammers_mtsender::{InvocationError, RpcError};

use domain::delivery::Fault;

/// An error that Telegram answered is told as it is. After any other one nobody knows whether the request was carried out.
pub(super) fn of(error: InvocationError) -> Fault {
    match error {
        InvocationError::Rpc(RpcError { code, name, value, .. }) => Fault::Rpc { code, name, value },
        _ => Fault::ConnectionLost,
    }
}

/// Whether the account can't be used before somebody has done something about it: asking again would do harm.
pub(super) fn is_final(fault: &Fault) -> bool {
    match fault {
        Fault::Rpc { code: 401, .. } => true,
        Fault::Rpc { name, .. } => FINAL.contains(&name.as_str()),
        _ => false,
    }
}

const FINAL: [&str; 6] = [
    "AUTH_KEY_DUPLICATED",
    "USER_DEACTIVATED",
    "USER_DEACTIVATED_BAN",
    "PHONE_NUMBER_BANNED",
    "API_ID_INVALID",
    "CONNECTION_API_ID_INVALID",
];
