//! What a Telegram user's account had done when it was removed, beside the line of the audit log in which it stood until now.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // By the user's number, which outlives the account: nothing refers to it, and a week later it is forgotten.
        let table = "CREATE TABLE removed_telegram_accounts (
                 telegram_user_id bigint PRIMARY KEY NOT NULL,
                 removed_at {instant} NOT NULL,
                 day integer NOT NULL,
                 sends_today integer NOT NULL,
                 new_peers_today integer NOT NULL,
                 resolves_today integer NOT NULL,
                 send_not_before {instant},
                 resolve_not_before {instant},
                 read_not_before {instant}
             )";
        crate::run(manager, &[table, &lines(crate::is_postgres(manager))]).await
    }
}

/// The newest line of each user.
fn lines(is_postgres: bool) -> String {
    let text = |line: &str, name: &str| {
        if is_postgres {
            format!("({line}.metadata->>'{name}')")
        } else {
            format!("json_extract({line}.metadata, '$.{name}')")
        }
    };
    let number = |name: &str| format!("COALESCE(CAST({} AS integer), 0)", text("l", name));
    let instant = |name: &str| {
        let text = text("l", name);
        if is_postgres { format!("CAST({text} AS timestamptz)") } else { text }
    };
    format!(
        "INSERT INTO removed_telegram_accounts
         SELECT CAST({user} AS bigint), l.timestamp, {day}, {sends}, {peers}, {resolves}, {send}, {resolve}, {read}
         FROM audit_logs l
         WHERE l.action = 'TELEGRAM_ACCOUNT_REMOVED' AND {user} IS NOT NULL AND NOT EXISTS (
             SELECT 1 FROM audit_logs n
             WHERE n.action = l.action AND {newer} = {user} AND n.id > l.id
         )",
        user = text("l", "telegramUserId"),
        newer = text("n", "telegramUserId"),
        day = number("day"),
        sends = number("sends"),
        peers = number("newPeers"),
        resolves = number("resolves"),
        send = instant("sendNotBefore"),
        resolve = instant("resolveNotBefore"),
        read = instant("readNotBefore"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_database_reads_its_own_json() {
        assert!(lines(true).contains("l.metadata->>'newPeers'") && lines(true).contains("AS timestamptz"));
        assert!(lines(false).contains("json_extract(l.metadata, '$.newPeers')") && !lines(false).contains("->>"));
    }
}
