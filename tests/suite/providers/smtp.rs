//! Emails reach a real mail server, and each of its answers is understood.

use std::sync::Arc;

use domain::clock::SystemClock;
use domain::retention::credentials::{self, Secret, Security};
use herald::app::install_tls;
use providers::smtp::Smtp;
use providers::{Body, Contact, Email, Message, Outcome, Refusal, Sender};

use super::mail_server::MailServer;

fn smtp(port: u16, security: Security, password: Option<&str>) -> Smtp {
    smtp_from(port, security, password, "Herald <hello@herald.example>")
}

fn smtp_from(port: u16, security: Security, password: Option<&str>, from: &str) -> Smtp {
    install_tls();
    let account = credentials::Smtp {
        host: "127.0.0.1".into(),
        port,
        security,
        username: password.map(|_| "ann".into()),
        password: password.map(Secret::new),
        from: from.into(),
        reply_to: Some("answers@herald.example".into()),
        inbox: None,
        webhook_token: None,
        imap: None,
        per_second: 10,
    };
    Smtp::new(account, Arc::new(SystemClock::new()))
}

fn email(to: &str) -> Contact {
    let email = Email {
        to: to.into(),
        name: Some("Ann Müller".into()),
        first_name: Some("Ann".into()),
        last_name: None,
        subject: "Grüße".into(),
        body: Body::Text("Hello Ann,\n.\nthis is all".into()),
        unsubscribe: Some("https://herald.example/u/abc".into()),
        tag: None,
        instantly_campaign: None,
    };
    Contact { attempt: domain::id::time_sorted(), lead: domain::id::time_sorted(), message: Message::Email(email) }
}

#[tokio::test]
async fn an_email_arrives_with_its_headers_and_its_id_is_kept() {
    let server = MailServer::start().await;
    let sender = smtp(server.port, Security::None, Some("secret of ann"));
    let contact = email("ann@example.com");
    let attempt = contact.attempt;
    let Outcome::Accepted(receipt) = sender.send(contact).await else { panic!("it is taken") };
    assert_eq!(receipt.provider_ref, Some(format!("<{attempt}@herald.example>")));
    // Over the connection that was kept.
    assert!(matches!(sender.send(email("bob@example.com")).await, Outcome::Accepted(_)));
    let mails = server.mails();
    let mail = &mails[0];
    for line in [
        "From: Herald <hello@herald.example>",
        "Reply-To: answers@herald.example",
        "List-Unsubscribe: <https://herald.example/u/abc>",
        "List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        &format!("Message-ID: <{attempt}@herald.example>"),
    ] {
        assert!(mail.lines().any(|known| known == line), "{line} is missing in\n{mail}");
    }
    // A line of a single dot would end the email, if it were not doubled.
    assert!(mail.contains("\n..\nthis is all") && mail.contains("Subject: =?utf-8?b?"), "{mail}");
    assert_eq!(mails.len(), 2);
}

#[tokio::test]
async fn a_page_goes_out_with_its_words_beside_it() {
    let server = MailServer::start().await;
    let sender = smtp(server.port, Security::None, None);
    let page = |html: &str, plain: &str| {
        let mut contact = email("ann@example.com");
        if let Message::Email(email) = &mut contact.message {
            email.body = Body::Html { html: html.into(), plain: plain.into() };
        }
        contact
    };
    for contact in [page("<p>Hello Ann</p>", "Hello Bob"), page("<img src=x>", "")] {
        assert!(matches!(sender.send(contact).await, Outcome::Accepted(_)));
    }
    let mails = server.mails();
    assert!(mails[0].contains("Content-Type: multipart/alternative"), "{}", mails[0]);
    // What a program shows best comes last.
    let places = ["Content-Type: text/plain", "Hello Bob", "Content-Type: text/html", "<p>Hello Ann</p>"];
    let places = places.map(|part| mails[0].find(part).unwrap_or_else(|| panic!("{part} in {}", mails[0])));
    assert!(places.is_sorted(), "{}", mails[0]);
    assert!(mails[1].contains("Content-Type: text/html") && !mails[1].contains("multipart"), "{}", mails[1]);
}

#[tokio::test]
async fn each_answer_of_the_server_has_its_meaning() {
    let server = MailServer::start().await;
    let sender = smtp(server.port, Security::None, None);
    let refused = async |to: &str| match sender.send(email(to)).await {
        Outcome::Refused(Refusal { is_permanent, error, .. }) => (is_permanent, error),
        other => panic!("{to}: {other:?}"),
    };
    for (to, is_permanent, code) in [
        ("busy@example.com", false, "451"),
        ("nobody@example.com", true, "550"),
        ("full@example.com", false, "452"),
        ("spam@example.com", true, "554"),
    ] {
        let (permanent, error) = refused(to).await;
        assert_eq!(permanent, is_permanent, "{to}");
        assert!(error.contains(code), "{to}: {error}");
    }
    let lost = sender.send(email("lost@example.com")).await;
    assert!(matches!(lost, Outcome::Unknown { .. }), "{lost:?}");
    assert!(matches!(sender.send(email("not an address")).await, Outcome::Refused(Refusal { is_permanent: true, .. })));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_connection_that_the_server_has_done_with_costs_no_email_anything() {
    let server = MailServer::with(1).await;
    let sender = smtp(server.port, Security::None, None);
    for n in 0..4 {
        let outcome = sender.send(email(&format!("ann{n}@example.com"))).await;
        assert!(matches!(outcome, Outcome::Accepted(_)), "{n}: {outcome:?}");
    }
    assert_eq!(server.mails().len(), 4);
    // One that says so at once wants to be left alone.
    let closed = MailServer::with(0).await;
    let outcome = smtp(closed.port, Security::None, None).send(email("ann@example.com")).await;
    assert!(matches!(outcome, Outcome::Wait { .. }), "{outcome:?}");
}

#[tokio::test]
async fn what_is_wrong_with_the_account_waits_and_an_address_without_anybody_is_known() {
    let server = MailServer::start().await;
    for from in ["quota@herald.example", "outside@herald.example", "Herald hello@herald.example", "@"] {
        let outcome = smtp_from(server.port, Security::None, None, from).send(email("ann@example.com")).await;
        assert!(matches!(outcome, Outcome::Wait { .. }), "{from}: {outcome:?}");
    }
    let sender = smtp(server.port, Security::None, None);
    let dead =
        |outcome: Outcome| matches!(outcome, Outcome::Refused(Refusal { is_dead: true, is_permanent: true, .. }));
    assert!(dead(sender.send(email("nobody@example.com")).await));
    assert!(!dead(sender.send(email("spam@example.com")).await));
    assert!(server.mails().is_empty());
}

#[tokio::test]
async fn a_server_that_does_not_let_us_in_costs_no_attempt_and_learns_no_secret() {
    let server = MailServer::start().await;
    let wrong = smtp(server.port, Security::None, Some("the wrong password"));
    let Outcome::Wait { error, .. } = wrong.send(email("ann@example.com")).await else { panic!("it waits") };
    assert!(error.contains("535") && !error.contains("the wrong"), "{error}");
    let trial = wrong.test().await;
    assert!(!trial.is_ok && trial.message.contains("535"), "{trial:?}");
    assert!(smtp(server.port, Security::None, Some("secret of ann")).test().await.is_ok);
    // It knows no STARTTLS: it is told neither who we are nor what we have to say.
    let private = smtp(server.port, Security::Starttls, Some("secret of ann"));
    assert!(matches!(private.send(email("ann@example.com")).await, Outcome::Wait { .. }));
    let away = smtp(1, Security::None, None).send(email("ann@example.com")).await;
    assert!(matches!(away, Outcome::Wait { .. }), "{away:?}");
    assert!(server.mails().is_empty());
}
