//! The settings that are secrets.

/// Settings that have no flag, because other users of the machine see a process' flags: name and meaning.
pub const SECRETS: [(&str, &str); 5] = [
    (
        "HERALD_SECRET_KEY",
        "32 bytes in base64 that sign tokens, encrypt secrets, derive random ids; without it made in the data folder",
    ),
    ("HERALD_SECRET_KEY_BEFORE", "The key before it, while herald secrets rotate replaces it"),
    ("HERALD_TELEGRAM_API_HASH", "Your Telegram application's hash, from my.telegram.org; signing in needs it"),
    (
        "HERALD_TELEGRAM_SERVER_KEY",
        "256 bytes in base64: the key that HERALD_TELEGRAM_SERVER knows for herald telegram login, if it can't agree upon one",
    ),
    ("HERALD_ADMIN_PASSWORD", "The first start's password of the user admin; without it made up and printed once"),
];
