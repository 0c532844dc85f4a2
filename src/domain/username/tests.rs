//! Addresses of channels in every form, and what leads to none.

use super::*;
use proptest::prelude::*;

#[test]
fn every_address_of_a_channel_leads_to_its_username() {
    for written in [
        "proofzzz",
        "@ProofZZZ",
        "t.me/proofzzz",
        "https://t.me/proofzzz",
        "HTTPS://T.ME/ProofZZZ",
        " http://T.me/proofzzz/ ",
        "\u{feff}https://t.me/proofzzz\u{200b}",
        "t.me/s/proofzzz",
        "https://t.me/s/proofzzz?before=12",
        "t.me/proofzzz/123",
        "https://t.me/proofzzz/123/456?comment=7",
        "t.me/proofzzz?start=x",
        "https://t.me/proofzzz#top",
        "www.t.me/proofzzz",
        "https://t.me:443/proofzzz",
        "t.me/@proofzzz",
        "proofzzz.t.me",
        "https://proofzzz.t.me/12",
        "telegram.me/proofzzz",
        "https://telegram.dog/proofzzz",
        "tg://resolve?domain=proofzzz",
        "tg://resolve/?post=5&domain=ProofZZZ",
        "tg://resolve?domain=proofzzz&start=x",
        "tg:resolve?domain=proofzzz&post=3",
        "https://telegram.me/s/proofzzz",
        "t.me/proofzzz?boost",
        "t.me/proofzzz?videochat=abc",
        "t.me/proofzzz/s/3",
        "https://web.telegram.org/k/#@proofzzz",
        "https://web.telegram.org/#/im?p=@proofzzz",
        "https://tgstat.com/channel/@proofzzz",
        "tgstat.ru/en/channel/@proofzzz/stat",
        "https://uk.tgstat.com/chat/@proofzzz",
        "t.me/%40proofzzz",
        "https://t.me/proof%7Azz",
        "t.me/s/@proofzzz",
        "@proofzzz/12",
        "@proofzzz?boost",
        "//t.me/proofzzz",
        "t.me/proofzzz?text=https://example.com",
        "t.me/proofzzz/1-5",
        "t.me/boost/proofzzz",
        "tg://boost?domain=proofzzz",
        "<https://t.me/proofzzz>",
        "(t.me/proofzzz),",
        "«@proofzzz»",
        "\"https://t.me/proofzzz\";",
        "tg://resolve?domain=@proofzzz",
        "TG://RESOLVE?DOMAIN=proofzzz",
        "tg://resolve?domain=%70roofzzz",
        "https://webk.telegram.org/#@proofzzz",
        "https://web.telegram.org/#/im?p=%40proofzzz",
        "https://web.telegram.org/k/#?tgaddr=tg%3A%2F%2Fresolve%3Fdomain%3Dproofzzz%26post%3D3",
    ] {
        assert_eq!(normalise(written).as_deref(), Ok("proofzzz"), "{written}");
    }
}

#[test]
fn each_sort_of_address_that_cannot_work_has_a_sentence_of_its_own() {
    for (written, sentence) in [
        ("", EMPTY),
        ("@", EMPTY),
        ("t.me/", EMPTY),
        ("https://t.me", EMPTY),
        ("t.me/s/", EMPTY),
        ("новости", LETTERS),
        ("with space", LETTERS),
        ("a-b-c-d", LETTERS),
        ("https://t.me/+AbCdEf", INVITATION),
        ("t.me/joinchat/AbCdEf", INVITATION),
        ("t.me/joinchat/", INVITATION),
        ("tg://join?invite=AbCdEf", INVITATION),
        ("https://tgstat.com/channel/AAAAAEabc", INVITATION),
        ("+4915112345678", PHONE),
        ("+49 151 123-45-678", PHONE),
        ("https://t.me/+4915112345678", PHONE),
        ("https://t.me/%2BAbCdEf", INVITATION),
        ("t.me/boost?c=1234", PRIVATE),
        ("t.me/boost", NO_CHANNEL),
        ("t.me/iv?url=https://example.com&rhash=1", NO_CHANNEL),
        ("https://k.t.me/#-100123", NUMBER),
        ("https://t.me/proofone https://t.me/prooftwo", SEVERAL),
        ("@proofone, @prooftwo", SEVERAL),
        ("t.me/c/123/5", PRIVATE),
        ("tg://privatepost?channel=123&post=5", PRIVATE),
        ("-100123456789", NUMBER),
        ("1234567", NUMBER),
        ("https://web.telegram.org/a/#-1001234", NUMBER),
        ("https://t.me/addstickers/Animals", NO_CHANNEL),
        ("t.me/share/url?url=x", NO_CHANNEL),
        ("joinchat", NO_CHANNEL),
        ("tg://settings", NO_CHANNEL),
        ("https://t.me/call/AbCdEf", NO_CHANNEL),
        ("https://t.me/c/1234567890/4", PRIVATE),
        ("https://t.me/proofbot?startgroup=x", BOT),
        ("https://t.me/proofbot?startgroup", BOT),
        ("t.me/proofbot?a=b&StartChannel&admin=post", BOT),
        ("https://t.me/proofbot?startapp=x", BOT),
        ("https://t.me/proofbot/shop?x", BOT),
        ("https://proofbot.t.me/?startgroup=x", BOT),
        ("tg://resolve?domain=proofbot&startgroup=x", BOT),
        ("tg://resolve?domain=proofbot&appname=shop", BOT),
        ("tg:join?invite=AbCdEf", INVITATION),
        ("tg://resolve?phone=49151", PHONE),
        ("https://tgstat.com/ratings", NO_CHANNEL),
        ("https://example.com/abcd", OTHER_SITE),
        ("https://proofnews22", OTHER_SITE),
        ("example.com/proofzzz", OTHER_SITE),
        ("https://t.me.example.com/proofzzz", OTHER_SITE),
        ("ftp://t.me/proofzzz", OTHER_SITE),
        ("proof.zzz", OTHER_SITE),
    ] {
        assert_eq!(normalise(written), Err(sentence), "{written}");
    }
    for written in ["abc", "1abcd", "_abcd", &"a".repeat(33)] {
        assert!(normalise(written).is_err(), "{written}");
    }
}

proptest! {
    #[test]
    fn what_comes_out_is_a_username_and_stays_one(written in "\\PC{0,60}|(https?://)?([a-z.]{1,12})(/[a-zA-Z0-9_@+?=#&.]{0,20}){0,3}") {
        if let Ok(name) = normalise(&written) {
            prop_assert_eq!(normalise(&name), Ok(name.clone()));
            prop_assert_eq!(normalise(&format!("https://t.me/{name}")), Ok(name));
        }
    }
}
