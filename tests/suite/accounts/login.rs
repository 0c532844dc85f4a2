//! Signing in by a telephone number, with the real command in a terminal. Only the exchange of keys is left out: that is between
//! Telegram and the protocol's library, so the server knows the key beforehand.

use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::command::run_command;
use crate::harness::telegram::{On, Play, TelegramServer};
use crate::harness::{Terminal, herald};

const PHONE: &str = "4915123456789";
const CODE: &str = "24680";
const PASSWORD: &str = "the second step, long and secret";

/// The command, of which the server knows the key of `account`.
fn login(folder: &Path, telegram: &TelegramServer, account: usize) -> Command {
    let key = STANDARD.encode(&telegram.credentials(account).key[..]);
    let mut command = herald("telegram");
    command.env_remove("HERALD_SECRET_KEY").args(["login", "main", "--messages-per-minute=7"]);
    command.args(["--telegram=live", "--telegram-api-id=1", "--log=warn"]);
    command.arg(format!("--data-dir={}", folder.display()));
    command.arg(format!("--telegram-server={}", telegram.address()));
    command.env("HERALD_TELEGRAM_API_HASH", "0123456789abcdef0123456789abcdef");
    command.env("HERALD_TELEGRAM_SERVER_KEY", key);
    command
}

fn asked(telegram: &TelegramServer, method: &str) -> usize {
    telegram.calls().iter().filter(|call| call.method == method).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_is_signed_in_by_its_code_and_its_password_which_is_not_shown() {
    let telegram = TelegramServer::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    telegram.lock(0, PHONE, CODE, Some(PASSWORD));
    telegram.play(On::method("auth.sendCode"), Play::Error("PHONE_MIGRATE_4"));
    let mut terminal = Terminal::run(&login(folder.path(), &telegram, 0));
    terminal.sees("Telephone number");
    terminal.types("+49 151 234 567-89");
    terminal.sees("Telegram has sent a code of 5 digits by SMS.");
    terminal.sees("Code: ");
    terminal.types("13579");
    terminal.sees("it is not the code that Telegram has sent.");
    // What is lost on the way is mended before the next answer.
    telegram.drop_all();
    terminal.sees("Code: ");
    terminal.types(CODE);
    terminal.sees("Two-step password (its hint: the usual; it is not shown): ");
    terminal.types_unseen("quite another password");
    terminal.sees("it is not the account's two-step password.");
    terminal.sees("it is not shown): ");
    terminal.types_unseen(PASSWORD);
    let (well, shown) = terminal.end();
    assert!(well && shown.contains("main is signed in: Sender 0 @sender0, telephone ..0000"), "{shown}");
    assert!(shown.contains("234 567-89") && shown.contains(CODE), "the rest is shown: {shown}");
    assert!(!shown.contains("another password") && !shown.contains(PASSWORD), "{shown}");
    assert!(telegram.is_signed_in(0));
    assert_eq!((asked(&telegram, "auth.sendCode"), telegram.doubled_connections()), (2, 0));
    let run = |words: &[&str]| run_command(folder.path(), &telegram, words, "");
    let (_, said) = run(&["telegram", "list"]);
    assert!(said.contains("main") && said.contains("ACTIVE") && said.contains("of 7/min"), "{said}");
    let (well, said) = run(&["telegram", "check"]);
    assert!(well && said.contains("Telegram lets it in"), "{said}");
}

/// What the server plays, what is typed, and what is told.
type Case = (Option<(&'static str, &'static str)>, &'static [&'static str], &'static str);

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_let_in_is_told_why_and_nothing_is_stored() {
    let telegram = TelegramServer::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    telegram.lock(0, PHONE, CODE, None);
    let cases: [Case; 9] = [
        (None, &["call me"], "its country's code"),
        (None, &["1234567"], "Telegram knows no such telephone number"),
        (Some(("auth.sendCode", "PHONE_NUMBER_BANNED")), &[PHONE], "Telegram has banned this number"),
        (Some(("auth.sendCode", "FLOOD_WAIT_77")), &[PHONE], "no attempt for 77 seconds"),
        (Some(("auth.signIn", "PHONE_CODE_EXPIRED")), &[PHONE, CODE], "the code has expired"),
        (None, &[PHONE, "1", "2", "3", CODE], "it is not the code that Telegram has sent, 3 times"),
        (None, &["4930000000000", CODE], "no account has this number"),
        (None, &[PHONE], "nothing was typed"),
        // It is signed in, and then Telegram does not say who it is: the session is ended again.
        (Some(("users.getUsers", "USER_DEACTIVATED")), &[PHONE, CODE], "Telegram has closed this account"),
    ];
    for (play, typed, told) in cases {
        if let Some((method, error)) = play {
            telegram.play(On::method(method), Play::Error(error));
        }
        let input = typed.join("\n") + "\n";
        let (well, said) = super::command::finish(login(folder.path(), &telegram, 0), &input);
        assert!(!well && said.contains(told), "{typed:?}: {said}");
        assert!(!telegram.is_signed_in(0), "{told}");
    }
    let mut without = login(folder.path(), &telegram, 0);
    without.env_remove("HERALD_TELEGRAM_API_HASH");
    let (well, said) = super::command::finish(without, &format!("{PHONE}\n"));
    assert!(!well && said.contains("HERALD_TELEGRAM_API_HASH"), "{said}");
    let (well, said) = run_command(folder.path(), &telegram, &["telegram", "list"], "");
    assert!(well && said.is_empty(), "{said}");
    assert_eq!(asked(&telegram, "auth.logOut"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_there_is_given_the_new_session() {
    let telegram = TelegramServer::start(2).await;
    let folder = tempfile::tempdir().unwrap();
    telegram.same_user(0, 1);
    let run = |words: &[&str], input: &str| run_command(folder.path(), &telegram, words, input);
    let (well, said) = run(&["telegram", "add", "old hand"], &format!("{}\n", telegram.session_string(0)));
    assert!(well, "{said}");
    telegram.sign_out(0);
    telegram.lock(1, PHONE, CODE, None);
    let (well, said) = super::command::finish(login(folder.path(), &telegram, 1), &format!("{PHONE}\n{CODE}\n"));
    assert!(well && said.contains("old hand is signed in"), "{said}");
    let (well, said) = run(&["telegram", "check"], "");
    assert!(well && said.lines().count() == 1 && said.contains("Telegram lets it in"), "{said}");
}
