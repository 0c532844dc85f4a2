//! What credentials may be, and how little of them shows.

use super::*;

#[test]
fn secrets_show_in_nothing_but_their_last_characters() {
    let twilio = Credentials::Twilio(Twilio {
        account_sid: format!("AC{}", "0".repeat(32)),
        auth_token: Secret::new("the-secret-token-1234"),
        from: Some("+14155552672".into()),
        messaging_service_sid: None,
        segments_per_second: 1,
    });
    assert!(!format!("{twilio:?}").contains("the-secret"));
    let hints = twilio.hints();
    assert!(hints.contains(&("authToken", "****1234".into())), "{hints:?}");
    assert_eq!(Secret::new("short").hint(), "****");
    let stored = serde_json::to_string(&twilio).unwrap();
    assert_eq!(serde_json::from_str::<Credentials>(&stored).unwrap(), twilio);
}

#[test]
fn plain_text_goes_to_this_machine_only() {
    let smtp = |host: &str, security| {
        let smtp = Smtp {
            host: host.into(),
            port: 25,
            security,
            username: None,
            password: None,
            from: "Herald <herald@example.com>".into(),
            reply_to: None,
            inbox: None,
            webhook_token: None,
            imap: None,
            per_second: 10,
        };
        let mut violations = Violations::default();
        Credentials::Smtp(smtp).check(&mut violations);
        violations.is_empty()
    };
    assert!(smtp("127.0.0.1", Security::None) && smtp("localhost", Security::None) && smtp("::1", Security::None));
    assert!(!smtp("mail.example.com", Security::None) && !smtp("10.0.0.1", Security::None));
    assert!(smtp("mail.example.com", Security::Starttls) && smtp("mail.example.com", Security::Tls));
}

#[test]
fn an_inbox_has_room_for_the_sign_of_a_contact_and_a_token_by_which_it_is_told() {
    let wrong = |inbox: &str, token: Option<&str>| {
        let smtp = Smtp {
            host: "mail.example.com".into(),
            port: 587,
            security: Security::Starttls,
            username: None,
            password: None,
            from: "Herald <herald@example.com>".into(),
            reply_to: None,
            inbox: Some(inbox.into()),
            webhook_token: token.map(Secret::new),
            imap: None,
            per_second: 10,
        };
        let mut violations = Violations::default();
        Credentials::Smtp(smtp).check(&mut violations);
        violations.len()
    };
    let token = Some("a-token-that-nobody-guesses");
    for inbox in ["inbox@example.com", "a.b+c@localhost", &format!("{}@example.com", "a".repeat(21))] {
        assert_eq!(wrong(inbox, token), 0, "{inbox}");
    }
    for inbox in
        ["inbox", "Ann <inbox@example.com>", "inbox@example", "ünbox@example.com", &format!("{}@x.de", "a".repeat(22))]
    {
        assert_eq!(wrong(inbox, token), 1, "{inbox}");
    }
    assert_eq!((wrong("inbox@example.com", None), wrong("inbox@example.com", Some("short"))), (1, 1));
    let before = r#"{"provider":"smtp","host":"h","port":1,"security":"tls","username":null,"password":null,"from":"a@b.de",
        "reply_to":null,"per_second":1}"#;
    assert!(serde_json::from_str::<Credentials>(before).is_ok(), "what was stored before is read");
}

/// Whether a mailbox that was changed so is refused.
fn wrong(change: &dyn Fn(&mut Imap)) -> bool {
    let mut imap = Imap {
        host: "imap.example.com".into(),
        port: 993,
        security: ImapSecurity::Tls,
        username: "inbox@example.com".into(),
        password: Some(Secret::new("a password")),
        oauth: None,
        folder: "INBOX".into(),
    };
    change(&mut imap);
    let smtp = Smtp {
        host: "mail.example.com".into(),
        port: 587,
        security: Security::Starttls,
        username: None,
        password: None,
        from: "Herald <herald@example.com>".into(),
        reply_to: None,
        inbox: Some("inbox@example.com".into()),
        webhook_token: None,
        imap: Some(Box::new(imap)),
        per_second: 10,
    };
    let mut violations = Violations::default();
    Credentials::Smtp(smtp).check(&mut violations);
    violations.into_result().is_err()
}

#[test]
fn a_mailbox_is_read_by_what_an_imap_server_can_be_given() {
    assert!(!wrong(&|_| ()), "an inbox that is read needs no token");
    assert!(!wrong(&|imap| imap.folder = "R\u{fc}ckl\u{e4}ufer".into()));
    assert!(!wrong(&|imap| (imap.host, imap.security) = ("127.0.0.1".into(), ImapSecurity::None)));
    let table: [&dyn Fn(&mut Imap); 9] = [
        &|imap| imap.host = String::new(),
        &|imap| imap.host = "imap example".into(),
        &|imap| imap.port = 0,
        &|imap| imap.security = ImapSecurity::None,
        &|imap| imap.username = String::new(),
        &|imap| imap.username = "a\0b".into(),
        &|imap| imap.password = Some(Secret::new("")),
        &|imap| imap.password = Some(Secret::new("two\r\nlines")),
        &|imap| imap.folder = "a\nb".into(),
    ];
    for (index, change) in table.into_iter().enumerate() {
        assert!(wrong(change), "line {index}");
    }
}

#[test]
fn a_mailbox_is_opened_by_a_password_or_by_a_token_for_which_nothing_goes_in_plain_text() {
    let oauth = |url: &str, refresh: Option<&str>| {
        Some(OAuth {
            token_url: url.into(),
            client_id: "herald".into(),
            client_secret: None,
            refresh_token: refresh.map(Secret::new),
            scope: None,
        })
    };
    let by = |url: &'static str, refresh: Option<&'static str>| {
        move |imap: &mut Imap| (imap.password, imap.oauth) = (None, oauth(url, refresh))
    };
    assert!(!wrong(&by("https://oauth2.example.com/token", Some("agreed to"))));
    assert!(!wrong(&by("http://127.0.0.1:9/token", Some("agreed to"))));
    for (url, refresh) in [
        ("http://oauth2.example.com/token", Some("agreed to")),
        ("ftp://127.0.0.1/token", Some("agreed to")),
        ("token", Some("agreed to")),
        ("https://oauth2.example.com/token", None),
    ] {
        assert!(wrong(&by(url, refresh)), "{url}");
    }
    assert!(wrong(&|imap| imap.password = None), "nothing lets us in");
    assert!(wrong(&|imap| imap.oauth = oauth("https://oauth2.example.com/token", Some("agreed to"))), "two ways in");
}
