//! An account that is removed and added anew: Telegram counts by the user, and so does Herald.

use sea_orm::EntityTrait;
use sea_orm::sea_query::Expr;
use serde_json::json;
use storage::broadcast::removed_account;
use storage::broadcast::telegram_account::{self, Column, day};

use super::{added, mutate, start};
use crate::harness::telegram::TelegramServer;

#[tokio::test]
async fn what_it_did_today_and_what_telegram_lets_it_wait_for_go_along() {
    let telegram = TelegramServer::start(2).await;
    let (herald, admin) = start(&telegram).await;
    let on = herald.services();
    let (first, other) = (added(&admin, &telegram, 0).await, added(&admin, &telegram, 1).await);
    let (now, until) = (on.now(), on.now() + chrono::TimeDelta::hours(20));
    let until = chrono::SubsecRound::trunc_subsecs(until, 0);
    telegram_account::Entity::update_many()
        .col_expr(Column::Day, Expr::value(day(now)))
        .col_expr(Column::NewPeersToday, Expr::value(40))
        .col_expr(Column::ResolvesToday, Expr::value(200))
        .col_expr(Column::SendNotBefore, Expr::value(until))
        .exec(on.db.reader())
        .await
        .unwrap();
    for account in [&first, &other] {
        mutate(&admin, "removeTelegramAccount", json!({ "id": account["id"] })).await.data();
    }
    let removed = async || removed_account::Entity::find().all(on.db.reader()).await.unwrap();
    assert_eq!(removed().await.len(), 2, "it does not hang on the audit log");
    let again = added(&admin, &telegram, 0).await;
    assert_eq!(removed().await.len(), 1);
    assert_ne!(again["id"], first["id"]);
    let rows = telegram_account::Entity::find().all(on.db.reader()).await.unwrap();
    let today = rows[0].today(now);
    assert_eq!((rows.len(), today.new_peers, today.resolves), (1, 40, 200));
    assert_eq!((rows[0].send_not_before, again["status"].as_str()), (Some(until), Some("FLOOD_WAIT")));
}
