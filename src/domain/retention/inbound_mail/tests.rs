//! Emails as they come from servers, programs and people.

use super::*;

const ATTEMPT: &str = "019c0000-0000-7000-8000-000000000001@herald.example";

fn read(message: &str) -> InboundMail {
    InboundMail::read(message.replace('\n', "\r\n").as_bytes()).unwrap()
}

/// A report as Postfix writes it.
fn report(action: &str, status: &str, diagnostic: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example (Mail Delivery System)\nTo: bounces+abc@herald.example\n\
        Subject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n\
        Message-ID: <b1@mx.example>\n\
        Content-Type: multipart/report; report-type=delivery-status; boundary=\"x\"\n\n--x\nContent-Type: text/plain\n\n\
        I'm sorry to have to inform you.\n\n--x\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n\
        Final-Recipient: rfc822; Ann@Example.com\nAction: {action}\nStatus: {status}\nDiagnostic-Code: smtp;\n {diagnostic}\n\n\
        --x\nContent-Type: message/rfc822\n\nFrom: hello@herald.example\nTo: ann@example.com\nSubject: Come back\n\
        Message-ID: <{ATTEMPT}>\n\nWe miss you.\n\n--x--\n"
    )
}

#[test]
fn a_report_of_a_mail_server_says_of_which_email_and_why() {
    let mail =
        read(&report("failed", "5.1.1", "550 5.1.1 <ann@example.com>: Recipient address rejected: User unknown"));
    let told = mail.report.clone().unwrap();
    assert_eq!(
        (told.action.as_str(), told.status.as_str(), told.recipient.as_str()),
        ("failed", "5.1.1", "ann@example.com")
    );
    assert!(told.is_dead() && told.diagnostic.contains("User unknown"), "{told:?}");
    assert_eq!(
        (mail.about.as_slice(), mail.to.as_slice()),
        ([ATTEMPT.to_owned()].as_slice(), ["bounces+abc@herald.example".to_owned()].as_slice())
    );
    // Only the header came back.
    let header = report("failed", "5.1.1", "550 x").replace("message/rfc822", "text/rfc822-headers");
    assert_eq!(read(&header).about, [ATTEMPT]);
}

#[test]
fn only_an_address_without_anybody_is_dead() {
    for (status, diagnostic, is_dead) in [
        ("5.1.1", "550 5.1.1 no such user", true),
        ("5.0.0", "550 5.1.1 no such user", true),
        ("5.0.0", "550 User unknown", true),
        ("5.1.10", "550 5.1.10 RESOLVER.ADR.RecipientNotFound", true),
        ("5.2.1", "", true),
        ("5.2.2", "552 5.2.2 mailbox full", false),
        ("5.7.1", "550 5.7.1 blocked: spam", false),
        ("4.4.7", "451 expired", false),
        ("4.1.1", "450 4.1.1 unverified", false),
        ("5.4.7", "", false),
    ] {
        let told = read(&report("failed", status, diagnostic)).report.unwrap();
        assert_eq!(told.is_dead(), is_dead, "{status} {diagnostic}");
    }
}

#[test]
fn a_bounce_in_words_of_its_own_is_known_by_the_number_of_its_reason() {
    let qmail = format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@old.example\nTo: bounces+abc@herald.example\nSubject: failure notice\n\n\
        Hi. This is the qmail-send program.\n\n<ann@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n\
        --- Below this line is a copy of the message.\n\nMessage-ID: <{ATTEMPT}>\n"
    );
    let mail = read(&qmail);
    let told = mail.report.clone().unwrap();
    assert_eq!((told.status.as_str(), told.is_dead()), ("5.1.1", true));
    assert_eq!(mail.about, [ATTEMPT]);
    let person = "From: ann@example.com\nTo: hello@herald.example\nSubject: Re: x\n\nYour server said 5.1.1 to me.\n";
    assert_eq!(read(person).report, None, "people tell of errors, too");
}

#[test]
fn what_programs_write_is_no_answer() {
    let mail = |headers: &str| read(&format!("From: ann@example.com\nTo: h@herald.example\n{headers}\n\nI am away.\n"));
    for headers in [
        "Subject: Re: x\nAuto-Submitted: auto-replied",
        "Subject: Re: x\nAuto-Submitted: auto-generated; owner-email=\"a@b.de\"",
        "Subject: Re: x\nPrecedence: auto_reply",
        "Subject: Re: x\nPrecedence: bulk",
        "Subject: Re: x\nX-Autoreply: yes",
        "Subject: Out of Office: Re: x",
        "Subject: =?utf-8?B?0JDQstGC0L7QvtGC0LLQtdGCOiB4?=",
        "Subject: Automatische Antwort: x",
        "Return-Path: <>\nSubject: Re: x",
        "Subject: Fuera de la oficina: x",
        "Subject: Fuori ufficio: Re: x",
        "Subject: Odpowiedź automatyczna: x",
        "Subject: Autosvar: x",
        "Subject: 自动回复: x",
    ] {
        assert!(mail(headers).is_automatic, "{headers}");
    }
    for headers in [
        "Subject: Re: x",
        "Subject: Re: x\nAuto-Submitted: no",
        "Subject: I was out of office",
        "Subject: x\nReturn-Path: <ann@example.com>",
    ] {
        assert!(!mail(headers).is_automatic, "{headers}");
    }
}

#[test]
fn an_answer_is_what_stands_above_what_it_repeats() {
    let text = |body: &str| {
        read(&format!(
            "From: \"Ann S.\" <Ann@Example.com>\nTo: Herald <inbox+0a@herald.example>\nSubject: Re: Come back\n\
            In-Reply-To: <{ATTEMPT}>\nReferences: <first@x.example>\n <{ATTEMPT}>\n\n{body}"
        ))
    };
    let mail = text("Please stop.\n\nOn Tue, 3 Mar 2026, Herald <hello@herald.example> wrote:\n> We miss you\n");
    assert_eq!((mail.text.as_str(), mail.from.as_deref()), ("Please stop.", Some("ann@example.com")));
    assert_eq!(
        (mail.about.as_slice(), mail.said()),
        ([ATTEMPT.to_owned(), "first@x.example".to_owned()].as_slice(), vec!["Please stop."])
    );
    for (body, said) in [
        ("Yes!\n> old\n", "Yes!"),
        ("Danke\n\nAm 3. März schrieb:\n> alt\n", "Danke"),
        ("Ok\n-----Original Message-----\nFrom: x\n", "Ok"),
        ("Ok\n________________________________\nFrom: x\n", "Ok"),
        ("Ok\n-- \nAnn\nStop Street 5\n", "Ok"),
        ("> all of it\n", ""),
        ("> We miss you\n\nPlease stop.\n", "Please stop."),
        ("On Tue, Herald wrote:\n> We miss you\n> Come back\n\nunsubscribe me\n", "unsubscribe me"),
        ("Thanks!\n> We miss you\nTo unsubscribe from this list, click\n", "Thanks!"),
        ("Herald wrote:\nWe miss you. To unsubscribe, click.\n", ""),
    ] {
        assert_eq!(text(body).text, said, "{body}");
    }
    let own = read("From: ann@example.com\nSubject: unsubscribe\nMessage-ID: <1@x>\n\n\n");
    assert_eq!(own.said(), ["", "unsubscribe"]);
    // Somebody has put the word in the place of the subject that is answered.
    let answer =
        |subject: &str| read(&format!("From: ann@example.com\nSubject: {subject}\nIn-Reply-To: <{ATTEMPT}>\n\n\n"));
    assert_eq!(answer("unsubscribe").said(), ["", "unsubscribe"]);
    assert_eq!(answer("Re: Stop paying too much").said(), [""]);
}

#[test]
fn a_page_says_what_stands_above_what_it_repeats_or_below() {
    for (html, said) in [
        (
            "<div>Thanks, call me</div><div class=\"gmail_quote\"><blockquote>To unsubscribe click here</blockquote></div>",
            "Thanks, call me",
        ),
        (
            "<p>Please <b>unsubscribe</b> me</p><hr><div id=\"divRplyFwdMsg\">From: Herald</div><p>old</p>",
            "Please unsubscribe me",
        ),
        ("<blockquote>We miss you</blockquote><p>Stop it</p>", "Stop it"),
        ("<p>Grüße, stop</p>", "Grüße, stop"),
        ("<BLOCKQUOTE>all of it</BLOCKQUOTE>", ""),
    ] {
        let mail = format!("From: ann@example.com\nContent-Type: text/html; charset=utf-8\n\n{html}");
        assert_eq!(read(&mail).text, said, "{html}");
    }
}

#[test]
fn that_an_email_was_seen_is_no_answer() {
    let receipt = format!(
        "From: ann@example.com\nTo: h@herald.example\nSubject: Read: x\nMIME-Version: 1.0\n\
        Content-Type: multipart/report; report-type=disposition-notification; boundary=x\n\n--x\nContent-Type: text/plain\n\nread\n\n\
        --x\nContent-Type: message/disposition-notification\n\nOriginal-Message-ID: <{ATTEMPT}>\nDisposition: manual-action; displayed\n\n--x--\n"
    );
    assert!(read(&receipt).is_automatic);
}

#[test]
fn a_bounce_that_names_the_address_in_its_header_is_known_without_a_number() {
    let exim = |why: &str| {
        read(&format!(
            "Return-Path: <>\nFrom: Mail Delivery System <Mailer-Daemon@mx.example>\nTo: bounces+abc@herald.example\n\
            X-Failed-Recipients: ann@example.com\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed\n\n\
            A message that you sent could not be delivered. This is a permanent error.\n\n  ann@example.com\n    {why}\n"
        ))
    };
    let report = exim("Unrouteable address").report.unwrap();
    assert_eq!(
        (report.action.as_str(), report.recipient.as_str(), report.diagnostic.as_str()),
        ("failed", "ann@example.com", "Unrouteable address")
    );
    assert!(exim("550 5.1.1 no such user").report.unwrap().is_dead());
    assert!(!exim("552 5.2.2 mailbox full").report.unwrap().is_dead());
}

#[test]
fn letters_of_any_alphabet_are_read() {
    let koi8 = b"From: ann@example.com\r\nSubject: x\r\nContent-Type: text/plain; charset=windows-1251\r\n\r\n\xd1\xf2\xee\xef\r\n";
    assert_eq!(InboundMail::read(koi8).unwrap().text, "Стоп");
    let html = "From: ann@example.com\nContent-Type: text/html\n\n<p>Please <b>stop</b></p>";
    assert_eq!(read(html).text, "Please stop");
}

#[test]
fn a_complaint_is_told_by_its_form() {
    let arf = format!(
        "From: fbl@isp.example\nTo: abuse@herald.example\nSubject: complaint\nMIME-Version: 1.0\n\
        Content-Type: multipart/report; report-type=feedback-report; boundary=x\n\n--x\nContent-Type: text/plain\n\nx\n\n\
        --x\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\nVersion: 1\n\n\
        --x\nContent-Type: message/rfc822\n\nMessage-ID: <{ATTEMPT}>\nSubject: y\n\nz\n\n--x--\n"
    );
    let mail = read(&arf);
    assert!(mail.is_complaint && mail.about == [ATTEMPT] && mail.report.is_none());
}

#[test]
fn whatever_comes_is_read_or_refused_and_never_large() {
    for raw in [b"".as_slice(), b"\xff\xfe\0\0", b"{\"a\":1}", b"no header at all", b"a: b\r\n\r\n"] {
        assert_eq!(InboundMail::read(raw), None, "{raw:?}");
    }
    let long = format!(
        "From: a@b.de\nTo: {}\nSubject: {}\n\n{}",
        "x@y.de, ".repeat(9_000),
        "s".repeat(9_000),
        "t\0 ".repeat(90_000)
    );
    let mail = read(&long);
    assert!(serde_json::to_string(&mail).unwrap().len() < 40_000 && !mail.text.contains('\0'));
    // Cut anywhere, it is no trouble.
    let whole = report("failed", "5.1.1", "550 5.1.1 ü no such user").replace('\n', "\r\n");
    for end in 0..whole.len() {
        drop(InboundMail::read(&whole.as_bytes()[..end]));
    }
}

/// Emails that are made to use up the stack, the memory or the time of whoever reads them.
fn bombs(most: usize) -> Vec<String> {
    let head = "From: a@b.de\nSubject: x\n";
    let mixed = |kind: &str, boundary: &str| format!("Content-Type: multipart/{kind}; boundary={boundary}\n\n");
    let filled = |before: String, part: &str, after: &str| {
        let room = (most - before.len() - after.len() - head.len()) / part.len();
        format!("{head}{before}{}{after}", part.repeat(room))
    };
    let in_parts = |part: &str| filled(mixed("mixed", "a"), &format!("--a\n{part}"), "--a--\n");
    vec![
        filled(String::new(), "Content-Type: message/rfc822\n\n", "x"),
        filled(String::new(), "Content-Type: message / global\n\n", "x"),
        filled(String::new(), "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n", "x"),
        filled(mixed("digest", "a"), &format!("--a\n\n{}", mixed("digest", "a")), "x"),
        filled(String::new(), &format!("{}--a\n", mixed("mixed", "a")), "x"),
        in_parts("\nx\n"),
        in_parts(&mixed("mixed", "never")),
        in_parts("Content-Type: message/rfc822\n\n"),
        in_parts("Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n"),
        in_parts(&mixed("alternative", "a-")),
        filled(String::new(), "a:b\n", "\nx"),
        filled("To: ".into(), "a@b.de,", "\n\nx"),
        filled("To: ".into(), "g:(", "\n\nx"),
        filled("Subject: ".into(), "=?utf-8?q?=41?= ", "\n\nx"),
        filled("Content-Type: text/plain; ".into(), "a*1*=b'c'd;", "\n\nx"),
        filled("Content-Type: text/html\n\n".into(), "<b", ""),
        filled("Content-Type: text/html\n\n".into(), "&", ""),
        filled("Content-Type: text/html\n\n".into(), "<!--", ""),
    ]
}

#[test]
fn no_email_takes_along_who_reads_it() {
    for bomb in bombs(4 << 20) {
        let start: String = bomb.chars().take(80).collect();
        let began = std::time::Instant::now();
        // As little room as a thread has that serves requests, and not a second for what is read once.
        let read = std::thread::Builder::new().stack_size(2 << 20).spawn(move || InboundMail::read(bomb.as_bytes()));
        let read = read.unwrap().join().unwrap();
        assert!(read.is_some(), "{start}");
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{start}: {:?}", began.elapsed());
    }
}

#[test]
fn of_several_texts_the_one_is_read_that_a_reader_sees() {
    let html = "--a\nContent-Type: text/html\n\n<p>html</p>\n";
    let plain = "--a\nContent-Type: text/plain; charset=utf-8\n\nplain\n";
    let attached = "--a\nContent-Type: text/plain; name=x.txt\nContent-Disposition: attachment\n\nattached\n";
    let with = |kind: &str, parts: &[&str]| {
        let parts = parts.concat();
        read(&format!("From: a@b.de\nContent-Type: multipart/{kind}; boundary=\"a\"\n\nno text\n{parts}--a--\nafter\n"))
            .text
    };
    for (kind, parts, text) in [
        ("alternative", vec![html, plain], "plain"),
        ("alternative", vec![plain, html], "plain"),
        ("alternative", vec![html], "html"),
        ("mixed", vec![attached, html, plain], "html"),
        ("mixed", vec![attached, plain], "plain"),
        ("mixed", vec!["--a\n\nbare\n", plain], "bare"),
        ("mixed", vec!["--ab\n\nother\n", plain], "plain"),
        ("mixed", vec![], ""),
    ] {
        assert_eq!(with(kind, &parts), text, "{kind} {parts:?}");
    }
    let nested = format!(
        "From: a@b.de\nContent-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/alternative; boundary=a\n\n\
        {html}--a\nContent-Type: multipart/related; boundary=r\n\n--r\n\ninner\n--r--\n--a--\n--o\n\nfooter\n--o--\n"
    );
    assert_eq!(read(&nested).text, "inner");
    let encoded = "From: a@b.de\nContent-Type: multipart/report; boundary=a\n\n--a\nContent-Type: message/feedback-report\n\n\
        Feedback-Type: abuse\n--a\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n\
        TWVzc2FnZS1JRDogPGExQGIuZGU+DQpTdWJqZWN0OiB4DQoNCng=\n--a--\n";
    assert_eq!(read(encoded).about, ["a1@b.de"]);
}
