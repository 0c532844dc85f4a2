//! Servers that mean harm, or are odd: none has a mailbox take long, much memory, or the process.

use std::sync::Arc;
use std::time::Instant;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::*;

const PASSWORD: &str = "the password";

/// A server on this machine that greets so, and answers each command, its sign aside, with these bytes; `TAG` in them is the sign.
async fn server(greeting: &[u8], answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Imap {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (greeting, answer) = (greeting.to_vec(), Arc::new(answer));
    tokio::spawn(async move {
        while let Ok((line, _)) = listener.accept().await {
            let (greeting, answer) = (greeting.clone(), answer.clone());
            tokio::spawn(async move {
                let (reader, mut writer) = line.into_split();
                let mut lines = BufReader::new(reader).lines();
                if writer.write_all(&greeting).await.is_err() {
                    return;
                }
                while let Ok(Some(line)) = lines.next_line().await {
                    let (tag, command) = line.split_once(' ').unwrap_or_default();
                    let answer = replaced(answer(command), tag);
                    if writer.write_all(&answer).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    Imap {
        host: "127.0.0.1".into(),
        port,
        security: ImapSecurity::None,
        username: "ann".into(),
        password: Some(Secret::new(PASSWORD)),
        oauth: None,
        folder: "INBOX".into(),
    }
}

fn replaced(answer: Vec<u8>, tag: &str) -> Vec<u8> {
    match answer.windows(3).position(|window| window == b"TAG") {
        Some(at) => [&answer[..at], tag.as_bytes(), &answer[at + 3..]].concat(),
        None => answer,
    }
}

/// What an honest server says to all but one command.
fn honest(command: &str) -> Vec<u8> {
    let told = match command.split(' ').next().unwrap() {
        "CAPABILITY" => "* CAPABILITY IMAP4rev1\r\n",
        "EXAMINE" => "* 3 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n* OK [UIDNEXT 12] fine\r\n* NEWS (of a kind)\r\n",
        "UID" if command.contains("SEARCH") => "* SEARCH 11 3 5\r\n",
        _ => "",
    };
    format!("{told}TAG OK done\r\n").into_bytes()
}

fn instead(of: &'static str, told: Vec<u8>) -> impl Fn(&str) -> Vec<u8> + Send + Sync + 'static {
    move |command| if command.starts_with(of) { told.clone() } else { honest(command) }
}

const HELLO: &[u8] = b"* OK hello\r\n";

async fn fault(account: &Imap) -> Fault {
    Mailbox::open(account).await.err().expect("it can't be read")
}

#[tokio::test]
async fn what_is_endless_huge_nested_or_garbage_is_an_error_at_once() {
    let nested = |depth: usize| format!("* 1 FETCH (BODYSTRUCTURE {}\r\nTAG OK\r\n", "(".repeat(depth)).into_bytes();
    let table: Vec<(Vec<u8>, &str)> = vec![
        (vec![b'x'; 1 << 20], "more than was asked for"),
        (b"* OK hi\r\n".repeat(20_000), "more than was asked for"),
        ([b"* 1 FETCH (BODY[] {4294967295}\r\n".to_vec(), vec![b'x'; 1 << 20]].concat(), "more than was asked for"),
        (b"* 1 FETCH (BODY[] {99999999999999999999}\r\nTAG OK\r\n".to_vec(), "no IMAP"),
        (b"* 1 FETCH (BODY[] NIL) trailing\r\nTAG OK\r\n".to_vec(), "no IMAP"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "no IMAP"),
        (b"\r\n".to_vec(), "no IMAP"),
        (vec![0xff, 0xfe, 0, b'\n'], "no IMAP"),
        (b"* BYE \xd0\xbd\xd0\xb5\xd1\x82\r\n".to_vec(), "it sends us away: нет"),
        (b"TAG BAD what?\r\n".to_vec(), "does not understand us: what?"),
        (b"TAG OK done\r\n".to_vec(), "no UIDVALIDITY"),
        // What only a parser would stumble over is news of some kind; what was asked for is missing then.
        (nested(20_000), "no UIDVALIDITY"),
        (b"* 1 FETCH (INTERNALDATE NIL)\r\n* OK [ALERT]\xc3\xa9t\xc3\xa9\r\nTAG OK\r\n".to_vec(), "no UIDVALIDITY"),
    ];
    for (told, error) in table {
        let account = server(HELLO, instead("EXAMINE", told.clone())).await;
        let began = Instant::now();
        let fault = fault(&account).await;
        assert!(fault.error.contains(error), "{fault:?} to {:?}", String::from_utf8_lossy(&told[..told.len().min(60)]));
        assert!(fault.error.contains(&format!("127.0.0.1:{}", account.port)), "{fault:?}");
        assert!(is_none_of_an_email(&fault), "{fault:?}");
        assert!(began.elapsed() < Duration::from_secs(10));
    }
    for greeting in [&vec![b'x'; 1 << 20][..], b"220 smtp ready\r\n", b"* BYE full\r\n", b"\x16\x03\x01\x00\n"] {
        let account = server(greeting, |_| Vec::new()).await;
        let fault = fault(&account).await;
        assert!(is_none_of_an_email(&fault), "{fault:?}");
    }
}

/// It is tried again, and no email is passed over for it.
fn is_none_of_an_email(fault: &Fault) -> bool {
    matches!(fault.kind, FaultKind::Away | FaultKind::Unread) && !fault.may_be_an_email_s()
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_or_a_letter_now_and_then_is_left() {
    let account = server(b"", |_| Vec::new()).await;
    assert!(fault(&account).await.error.contains("took too long"));
    let account = server(HELLO, instead("EXAMINE", b"* 3 EXI".to_vec())).await;
    assert!(fault(&account).await.error.contains("took too long"));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let slow = Imap { port: listener.local_addr().unwrap().port(), ..account };
    tokio::spawn(async move {
        let (mut line, _) = listener.accept().await.unwrap();
        while line.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(3)).await;
        }
    });
    let began = tokio::time::Instant::now();
    assert!(fault(&slow).await.error.contains("took too long"));
    assert!(began.elapsed() <= STEP + Duration::from_secs(1));
}

#[tokio::test]
async fn who_does_not_let_us_in_is_told_of_without_the_password() {
    let said = "TAG NO [AUTHENTICATIONFAILED] неверный\u{7}\r\n".as_bytes().to_vec();
    let account = server(HELLO, instead("LOGIN", said)).await;
    let refused = fault(&account).await;
    assert_eq!(refused.kind, FaultKind::LockedOut);
    assert!(refused.error.contains("does not let us in") && refused.error.contains("неверный"), "{refused:?}");
    assert!(!refused.error.contains('\u{7}'), "{refused:?}");
    let account = server(HELLO, instead("LOGIN", b"TAG NO [UNAVAILABLE] later\r\n".to_vec())).await;
    assert_eq!(fault(&account).await.kind, FaultKind::Away, "it is not the password's fault");
    let account = server(HELLO, instead("CAPABILITY", b"* CAPABILITY LOGINDISABLED\r\nTAG OK\r\n".to_vec())).await;
    assert!(fault(&account).await.error.contains("wants TLS"));
    let account = server(HELLO, instead("EXAMINE", b"TAG NO no such folder\r\n".to_vec())).await;
    let refused = fault(&account).await;
    assert!(refused.kind == FaultKind::LockedOut && refused.error.contains("the folder INBOX"), "{refused:?}");
    let nobody = Imap { port: 1, ..account };
    assert!(fault(&nobody).await.error.contains("nothing listens there"));
}

#[tokio::test]
async fn a_server_that_repeats_the_password_in_any_form_is_not_quoted() {
    let password = r#"a "wise\password"#;
    let login = r#"LOGIN "ann" "a \"wise\\password""#;
    let told = STANDARD.encode(format!("\0ann\0{password}"));
    let long = "x".repeat(290);
    for (said, has_plain) in [
        (format!("TAG NO what is {password}\r\n"), false),
        (format!("TAG NO what is {login}\r\n"), false),
        (format!("TAG BAD what is {}\r\n", login.to_uppercase()), false),
        (format!("TAG NO {long} {password}\r\n"), false),
        (format!("* BYE {password}\r\n"), false),
        (format!("TAG NO what is {told}\r\n"), true),
        (format!("TAG NO {long} {told}\r\n"), true),
    ] {
        let answer = said.clone();
        let mut account = server(HELLO, move |command| match command.split(' ').next().unwrap_or_default() {
            "CAPABILITY" if has_plain => b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nTAG OK\r\n".to_vec(),
            "LOGIN" | "AUTHENTICATE" => answer.clone().into_bytes(),
            _ => honest(command),
        })
        .await;
        account.password = Some(Secret::new(password));
        let error = fault(&account).await.error;
        assert!(error.contains("what it says repeats the password") && !error.contains("what is"), "{error} to {said}");
        assert!(!error.contains("xxx") && !error.to_lowercase().contains("wise"), "{error} to {said}");
    }
    assert_eq!(words::forms(" ", "AB"), ["ab"], "what is nothing is in everything");
}

#[tokio::test]
async fn nothing_is_told_before_tls_and_nothing_heard_before_it_counts() {
    let starttls = |mut account: Imap| {
        account.security = ImapSecurity::Starttls;
        account
    };
    let told = |command: &str| {
        assert!(command.starts_with("STARTTLS"), "{command} in plain text");
        // As if the rest were said in TLS.
        b"TAG OK go\r\nh1 OK in\r\n* OK [UIDVALIDITY 1] x\r\n".to_vec()
    };
    let fault_of = async |account: Imap| fault(&starttls(account)).await;
    assert_eq!(fault_of(server(HELLO, told).await).await.kind, FaultKind::Away);
    let early = fault_of(server(b"* PREAUTH hello\r\n", told).await).await;
    assert!(early.error.contains("before TLS"), "{early:?}");
    let none = fault_of(server(HELLO, |_| b"TAG BAD what?\r\n".to_vec()).await).await;
    assert!(none.kind == FaultKind::LockedOut && none.error.contains("knows no STARTTLS"), "{none:?}");
    let mut plain = server(HELLO, |_| Vec::new()).await;
    plain.security = ImapSecurity::Tls;
    let error = fault(&plain).await.error;
    assert!(error.contains("does not speak TLS on this port"), "{error}");
}

#[tokio::test]
async fn emails_are_read_as_they_are_and_of_very_large_ones_the_beginning() {
    let answer = |command: &str| {
        let mail = |uid: u32, size: usize, text: &[u8]| {
            let head = format!(
                "* 9 EXPUNGE\r\n* 2 FETCH (FLAGS (\\Seen))\r\n* 1 FETCH (UID {uid} RFC822.SIZE {size} BODY[]<0> {{{}}}\r\n",
                text.len()
            );
            [head.as_bytes(), text, b")\r\nTAG OK done\r\n"].concat()
        };
        match command {
            "UID FETCH 3 (UID RFC822.SIZE BODY.PEEK[]<0.262144>)" => mail(3, 30, b"a\r\n* BYE {9}\r\nTA\0G NO\r\n)"),
            "UID FETCH 4 (UID RFC822.SIZE BODY.PEEK[]<0.262144>)" => mail(4, 27 << 20, &vec![b'x'; BEGINNING]),
            "UID FETCH 5 (UID RFC822.SIZE BODY.PEEK[]<0.262144>)" => mail(5, 300_000, &vec![b'x'; BEGINNING]),
            "UID FETCH 5 (UID BODY.PEEK[])" => mail(5, 300_000, &vec![b'y'; 300_000]),
            "UID FETCH 6 (UID RFC822.SIZE BODY.PEEK[]<0.262144>)" => mail(7, 3, b"for another number"),
            "UID FETCH 8 (UID RFC822.SIZE BODY.PEEK[]<0.262144>)" => b"TAG NO it is broken\r\n".to_vec(),
            "UID FETCH 9 (UID RFC822.SIZE BODY.PEEK[]<0.262144>)" => {
                b"* 1 FETCH (UID 9 RFC822.SIZE 9 BODY[] NIL)\r\nTAG OK done\r\n".to_vec()
            }
            other => honest(other),
        }
    };
    let mut mailbox = Mailbox::open(&server(HELLO, answer).await).await.map_err(|fault| fault.error).unwrap();
    assert_eq!((mailbox.uid_validity, mailbox.uid_next), (7, 12));
    assert_eq!(mailbox.between(4, 20).await.unwrap(), [5, 11]);
    assert_eq!(mailbox.mail(3).await.unwrap().unwrap(), b"a\r\n* BYE {9}\r\nTA G NO\r\n)");
    assert_eq!(mailbox.mail(4).await.unwrap().unwrap().len(), BEGINNING);
    assert_eq!(mailbox.mail(5).await.unwrap().unwrap(), vec![b'y'; 300_000]);
    assert_eq!(mailbox.mail(6).await.unwrap(), None, "it is gone");
    assert_eq!(mailbox.mail(9).await.unwrap(), None, "nothing of it is there");
    assert!(mailbox.hands_out(3).await.unwrap() && !mailbox.hands_out(9).await.unwrap());
    let refused = mailbox.mail(8).await.unwrap_err();
    assert_eq!((refused.kind, refused.uid), (FaultKind::Refused, Some(8)));
    assert!(refused.error.contains("the email with the UID 8"), "{refused:?}");
    assert_eq!(mailbox.since("2026-03-05".parse().unwrap()).await.unwrap(), [11, 3, 5], "it goes on after a refusal");
    mailbox.close().await;
}

#[tokio::test]
async fn which_faults_may_be_an_email_s() {
    let table: [(&[u8], FaultKind, bool); 8] = [
        (b"TAG NO it is broken\r\n", FaultKind::Refused, true),
        (b"TAG NO [ALERT] it is broken\r\n", FaultKind::Refused, true),
        (b"TAG NO [LIMITED] no such code\r\n", FaultKind::Refused, true),
        (b"TAG BAD it is broken\r\n", FaultKind::Unread, true),
        (b"* 1 FETCH (UID 3 BODY[] what?)\r\nTAG OK\r\n", FaultKind::Unread, true),
        (b"TAG NO [unavailable] later\r\n", FaultKind::Away, false),
        (b"TAG NO [OVERQUOTA 7] later\r\n", FaultKind::Away, false),
        (b"* BYE [UNAVAILABLE] later\r\n", FaultKind::Away, false),
    ];
    for (said, kind, is_its) in table {
        let account = server(HELLO, instead("UID FETCH", said.to_vec())).await;
        let mut mailbox = Mailbox::open(&account).await.map_err(|fault| fault.error).unwrap();
        let fault = mailbox.mail(3).await.unwrap_err();
        assert_eq!((fault.kind, fault.uid, fault.may_be_an_email_s()), (kind, Some(3), is_its), "{fault:?}");
    }
    for code in ["UNAVAILABLE", "INUSE", "LIMIT", "OVERQUOTA", "SERVERBUG", "CONTACTADMIN"] {
        let fault = Fault::no(&format!("[{code}] later")).of_email(3);
        assert!(fault.kind == FaultKind::Away && !fault.may_be_an_email_s(), "{fault:?}");
    }
    for fault in [Fault::late(), Fault::too_much(), Fault::garbage()] {
        assert!(!fault.may_be_an_email_s() && fault.of_email(3).may_be_an_email_s(), "only if an email was asked for");
    }
    for fault in [Fault::away("it has closed the connection"), Fault::locked_out("a wrong password")] {
        assert!(!fault.of_email(3).may_be_an_email_s());
    }
}

#[test]
fn texts_and_folders_are_written_as_servers_want_them() {
    assert_eq!(words::quoted(r#"a"b\c"#), r#""a\"b\\c""#);
    for (name, written) in
        [("INBOX", "INBOX"), ("A&B", "A&-B"), ("Rückläufer", "R&APw-ckl&AOQ-ufer"), ("日本語", "&ZeVnLIqe-")]
    {
        assert_eq!(words::folder(name), written);
    }
}

#[tokio::test]
async fn who_knows_no_token_gets_none_and_who_refuses_one_says_why() {
    // What answers at a token endpoint: nobody.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/token", listener.local_addr().unwrap());
    drop(listener);
    drop(rustls::crypto::ring::default_provider().install_default());
    let oauth = OAuth {
        token_url: endpoint,
        client_id: "herald".into(),
        client_secret: None,
        refresh_token: Some(Secret::new("the refresh token")),
        scope: None,
    };
    let account = server(HELLO, honest).await;
    let account = Imap { password: None, oauth: Some(oauth), ..account };
    let away = fault(&account).await;
    assert!(away.kind == FaultKind::Away && away.error.contains("no token can be had"), "{away:?}");
    assert!(!away.error.contains("the refresh token"), "{away:?}");
}
