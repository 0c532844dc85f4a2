//! The strings of each library, whole and mutilated.

use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use proptest::prelude::*;

use super::*;

/// A key with every byte in it, so that both alphabets show.
fn key() -> [u8; KEY] {
    std::array::from_fn(|at| 255 - u8::try_from(at).unwrap())
}

fn gramjs(dc: u8, host: &str, port: u16) -> Vec<u8> {
    let length = u16::try_from(host.len()).unwrap();
    [&[dc][..], &length.to_be_bytes(), host.as_bytes(), &port.to_be_bytes(), &key()].concat()
}

fn telethon(dc: u8, address: &[u8]) -> Vec<u8> {
    [&[dc][..], address, &443_u16.to_be_bytes(), &key()].concat()
}

fn newest(dc: u8, test: u8, bot: u8) -> Vec<u8> {
    [&[dc][..], &12_345_u32.to_be_bytes(), &[test], &key(), &777_u64.to_be_bytes(), &[bot]].concat()
}

fn older(dc: u8, user: &[u8]) -> Vec<u8> {
    [&[dc, 0][..], &key(), user, &[0]].concat()
}

#[test]
fn each_library_s_string_is_understood() {
    let v6: [u8; 16] = "2001:67c:4e8:f002::a".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let strings = [
        (format!("1{}", STANDARD.encode(gramjs(2, "149.154.167.51", 443))), Format::GramJs, 2, 369),
        (format!("1{}", STANDARD.encode(gramjs(4, "149.154.167.91", 80))), Format::GramJs, 4, 369),
        (format!("1{}", STANDARD.encode(gramjs(1, "venus.web.telegram.org", 443))), Format::GramJs, 1, 381),
        (format!("1{}", STANDARD_NO_PAD.encode(gramjs(5, "91.108.56.130", 443))), Format::GramJs, 5, 367),
        (format!("1{}", URL_SAFE.encode(telethon(2, &[149, 154, 167, 51]))), Format::Telethon, 2, 353),
        (format!("1{}", STANDARD.encode(telethon(2, &[149, 154, 167, 51]))), Format::Telethon, 2, 353),
        (format!("1{}", URL_SAFE.encode(telethon(4, &v6))), Format::Telethon, 4, 369),
        (URL_SAFE_NO_PAD.encode(newest(2, 0, 0)), Format::Pyrogram, 2, 362),
        (URL_SAFE_NO_PAD.encode(older(3, &777_u32.to_be_bytes())), Format::Pyrogram, 3, 351),
        (URL_SAFE_NO_PAD.encode(older(3, &777_u64.to_be_bytes())), Format::Pyrogram, 3, 356),
    ];
    for (string, format, dc, length) in strings {
        assert_eq!(string.len(), length, "{format:?}");
        let read = SessionString::read(&format!(" {string}\n")).unwrap();
        assert_eq!((read.format, read.dc, *read.key), (format, dc, key()));
        assert!(!format!("{read:?}").contains("254"), "no key in debug output");
    }
}

#[test]
fn a_mutilated_string_is_refused_with_a_sentence() {
    let good = format!("1{}", URL_SAFE.encode(telethon(2, &[149, 154, 167, 51])));
    let wrong = [
        (String::new(), "is empty"),
        ("x".repeat(1_001), "longer than any"),
        (good[..200].to_owned(), "cut off or mutilated"),
        (good.replacen('A', " ", 1), "not base64"),
        (format!("1{}", URL_SAFE.encode(telethon(9, &[1, 2, 3, 4]))), "data centre"),
        (format!("1{}", STANDARD.encode(gramjs(2, "no host!", 443))), "its address is not one"),
        (URL_SAFE_NO_PAD.encode(newest(2, 1, 0)), "test servers"),
        (URL_SAFE_NO_PAD.encode(newest(2, 0, 1)), "of a bot"),
        (URL_SAFE_NO_PAD.encode(newest(2, 7, 0)), "is neither"),
        (format!("1{}", URL_SAFE.encode([&[2_u8, 1, 2, 3, 4, 1, 187][..], &[0; KEY]].concat())), "empty key"),
    ];
    for (string, sentence) in wrong {
        let told = SessionString::read(&string).unwrap_err();
        assert!(told.contains(sentence), "{string}: {told}");
    }
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(text in "\\PC{0,400}|1?[A-Za-z0-9_-]{340,380}") {
        drop(SessionString::read(&text));
    }
}
