//! Postbacks as programs and people write them.

use serde_json::json;

use super::*;

fn read(pairs: &[(&str, &str)]) -> Result<Postback, &'static str> {
    Postback::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())))
}

#[test]
fn each_meaning_has_many_names() {
    let given = [("subid", "abc"), ("cid", "click"), ("status", "Sale"), ("payout", "10,50"), ("tid", "7")];
    let postback = read(&[&given[..], &[("currency", "eur"), ("offer_id", "9")]].concat()).unwrap();
    assert_eq!((postback.sub_id.as_deref(), postback.click_id.as_deref()), (Some("abc"), Some("click")));
    assert_eq!((postback.status, postback.revenue_micros), (ConversionStatus::Sale, Some(10_500_000)));
    assert_eq!((postback.currency.as_deref(), postback.transaction_id.as_deref()), (Some("EUR"), Some("7")));
    assert_eq!(postback.data["offer_id"], "9");
}

#[test]
fn macros_that_were_not_replaced_are_missing_and_tokens_are_not_kept() {
    let postback = read(&[
        ("sub_id", "{subid}"),
        ("click_id", "c1"),
        ("revenue", "{revenue}"),
        ("tid", "{tid}"),
        ("status", "{status}"),
        ("currency", ""),
        ("token", "secret"),
    ])
    .unwrap();
    assert_eq!(postback.sub_id, None);
    assert_eq!((postback.revenue_micros, postback.transaction_id, postback.currency), (None, None, None));
    assert_eq!(postback.data.get("token"), None);
    assert_eq!(postback.data["revenue"], json!("{revenue}"));
    assert!(read(&[("sub_id", "{subid}"), ("status", "sale")]).is_err());
    // The next name is tried.
    assert_eq!(read(&[("sub_id", ""), ("aff_sub", "x")]).unwrap().sub_id.as_deref(), Some("x"));
}

#[test]
fn statuses_are_known_in_any_case() {
    for (written, expected) in [
        ("REBILL", ConversionStatus::Sale),
        ("hold", ConversionStatus::Lead),
        ("Registration", ConversionStatus::Signup),
        ("trial", ConversionStatus::Trial),
        ("Chargeback", ConversionStatus::Rejected),
        ("something new", ConversionStatus::Lead),
    ] {
        assert_eq!(read(&[("subid", "x"), ("status", written)]).unwrap().status, expected, "{written}");
    }
    assert_eq!(read(&[("subid", "x")]).unwrap().status, ConversionStatus::Sale);
}

#[test]
fn an_unknown_word_is_kept_and_nothing_is_guessed() {
    for word in ["denied", "Decline", "failed", "fraud", "spam", "invalid", "refunded"] {
        let postback = read(&[("subid", "x"), ("status", word), ("payout", "10")]).unwrap();
        assert_eq!(postback.status, ConversionStatus::Rejected, "{word}");
    }
    for word in ["accepted", "success", "completed"] {
        assert_eq!(read(&[("subid", "x"), ("status", word)]).unwrap().status, ConversionStatus::Sale, "{word}");
    }
    let odd = read(&[("subid", "x"), ("status", "frobnicated")]).unwrap();
    assert_eq!((odd.status, odd.original_status.as_deref()), (ConversionStatus::Lead, Some("frobnicated")));
    assert!(!is_known("frobnicated") && is_known("hold"));
    let by_type = read(&[("subid", "x"), ("type", "CPA")]).unwrap();
    assert_eq!((by_type.status, by_type.original_status), (ConversionStatus::Sale, None));
    assert_eq!(read(&[("subid", "x"), ("event", "reg")]).unwrap().status, ConversionStatus::Signup);
    for (name, word) in [("event", "add_to_cart"), ("type", "view"), ("Status", "what"), ("status", "{status}")] {
        let unclear = read(&[("subid", "x"), (name, word)]).unwrap();
        assert_eq!((unclear.status, unclear.original_status.as_deref()), (ConversionStatus::Lead, Some(word)));
    }
    for nobody in ["null", "%subid%", "${SUBID}", "[subid]", "0"] {
        assert!(read(&[("subid", nobody)]).is_err(), "{nobody}");
    }
    assert_eq!(read(&[("subid", "x"), ("STATUS", "declined")]).unwrap().status, ConversionStatus::Rejected);
    assert_eq!(read(&[("subid", "x"), ("currency", "₽")]).unwrap().currency.as_deref(), Some("RUB"));
}

#[test]
fn an_operator_says_what_words_stand_for() {
    use ConversionStatus::{Lead, Rejected, Sale};
    let list = [("Frob nicated", Sale), ("2", Sale), ("-1", Rejected), ("hold", Rejected), ("оплачено", Sale)];
    let mapping = Mapping(list.map(|(word, status)| (word.to_owned(), status)).into());
    for (word, status, original) in [
        ("frob_nicated", Sale, None),
        ("FROB-NICATED", Sale, None),
        ("2", Sale, None),
        ("-1", Rejected, None),
        ("Оплачено", Sale, None),
        ("Hold", Rejected, Some("Hold")),
        ("1", Lead, Some("1")),
        ("sale", Sale, Some("sale")),
    ] {
        let postback = read(&[("subid", "x"), ("status", word)]).unwrap().mapped(&mapping);
        assert_eq!((postback.status, postback.original_status.as_deref()), (status, original), "{word}");
        assert_eq!(postback.data["status"], word, "as it came");
    }
    assert_eq!(mapping.mistake(), None);
    assert!(!mapping.own_words().contains(&"hold".to_owned()) && mapping.own_words().contains(&"2".to_owned()));
    let twice = Mapping([("a b", Sale), ("A-B", Lead)].map(|(word, status)| (word.to_owned(), status)).into());
    let same = Mapping::of([(" sold", Sale), ("sold ", Rejected)].map(|(word, status)| (word.to_owned(), status)));
    assert!(same.mistake().is_some_and(|why| why.contains("\"sold\"")), "{same:?}");
    assert!(twice.mistake().is_some() && Mapping([(" ".to_owned(), Sale)].into()).mistake().is_some());
}

#[test]
fn what_was_not_replaced_is_no_id() {
    for nothing in [
        "null",
        "None",
        "undefined",
        "{tid}",
        "${tid}",
        "$tid$",
        "[tid]",
        "%tid%",
        "{{ tid }}",
        "__tid__",
        "order-{tid}",
        "0",
        "",
        "NaN",
        "(null)",
    ] {
        let postback = read(&[("subid", "x"), ("tid", nothing)]).unwrap();
        assert_eq!(postback.transaction_id, None, "{nothing}");
        assert!(read(&[("subid", nothing), ("cid", nothing)]).is_err(), "{nothing}");
    }
    for id in ["a-1", "{", "100%", "a$b", "none-of-it", "#1"] {
        assert_eq!(read(&[("subid", "x"), ("tid", id)]).unwrap().transaction_id.as_deref(), Some(id));
    }
    // The next name is tried, also after what stands for nobody.
    assert_eq!(read(&[("sub_id", "null"), ("subid", "x")]).unwrap().sub_id.as_deref(), Some("x"));
}

#[test]
fn two_long_ids_are_never_one() {
    let id = |end: &str| read(&[("subid", &format!("{}{end}", "x".repeat(400)))]).unwrap().sub_id.unwrap();
    assert_ne!(id("a"), id("b"));
    assert_eq!((id("a"), id("a").chars().count()), (id("a"), 255));
    assert_eq!(read(&[("subid", &"ü".repeat(255))]).unwrap().sub_id.unwrap(), "ü".repeat(255));
}

#[test]
fn names_are_known_in_any_spelling_and_in_objects() {
    use ConversionStatus::{Lead, Rejected, Sale, Signup};
    let json = |value: Json| Postback::read(flat(&value)).unwrap();
    for (value, expected) in [
        (json!({ "subId": "x", "conversionStatus": "rejected" }), Rejected),
        (json!({ "subId": "x", "eventName": "reg" }), Signup),
        (json!({ "sub-id": "x", "Event-Name": "reg" }), Signup),
        (json!({ "sub_id": "x", "status": { "name": "rejected", "id": 3 } }), Rejected),
        (json!({ "sub_id": "x", "status": { "id": 3 } }), Lead),
        (json!({ "sub_id": "x", "status": ["rejected"] }), Rejected),
        (json!({ "sub_id": "x", "status": ["a", "b"] }), Lead),
        (json!({ "data": { "sub_id": "x", "status": "rejected" } }), Rejected),
        (json!({ "sub_id": "x", "event": { "name": "reg" } }), Signup),
        (json!({ "sub_id": "x", "status": "" }), Lead),
        (json!({ "sub_id": "x", "status": null, "offer": { "id": 3 } }), Sale),
        (json!({ "sub_id": "x", "offer": { "name": "rejected" } }), Sale),
    ] {
        let postback = json(value.clone());
        assert_eq!((postback.status, postback.sub_id.as_deref()), (expected, Some("x")), "{value}");
    }
    let empty = read(&[("subid", "x"), ("status", "")]).unwrap();
    assert!(!is_known(&empty.original_status.unwrap()), "nothing follows from it");
    assert_eq!(json(json!({ "data": { "sub_id": "x" }, "payout": 12.5 })).revenue_micros, Some(12_500_000));
    assert_eq!(read(&[("subid", "x"), ("status", ""), ("event", "reg")]).unwrap().status, Signup);
}

#[test]
fn an_amount_that_can_not_be_read_is_told_and_none_is_made_up() {
    for (pairs, micros, currency, is_unread) in [
        (&[("payout", "10"), ("currency", "доллар")][..], Some(10), Some("USD"), false),
        (&[("payout", "10"), ("currency", "zzz")], None, None, true),
        (&[("payout", "0"), ("currency", "zzz")], Some(0), None, false),
        (&[("payout", "10zzz")], None, None, true),
        (&[("revenue", "abc"), ("payout", "20")], Some(20), None, false),
        (&[("revenue", "{revenue}"), ("payout", "20")], Some(20), None, false),
        (&[("revenue", "null")], None, None, false),
        (&[("payout", "$10"), ("currency", "USD")], Some(10), Some("USD"), false),
        (&[("payout", "$10"), ("currency", "EUR")], None, None, true),
        (&[("payout", "1,000")], None, None, true),
        (&[("payout", "10 руб")], Some(10), Some("RUB"), false),
        (&[("currency", "EUR")], None, Some("EUR"), false),
    ] {
        let postback = read(&[&[("subid", "x"), ("status", "sale")], pairs].concat()).unwrap();
        let read = (postback.revenue_micros.map(|micros| micros / 1_000_000), postback.currency.as_deref());
        assert_eq!((read, postback.is_amount_unread), ((micros, currency), is_unread), "{pairs:?}");
        assert_eq!(postback.status, ConversionStatus::Sale);
    }
}

#[test]
fn what_is_said_of_a_duplicate_takes_nothing_back() {
    for word in ["duplicate", "Double", "test"] {
        let postback = read(&[("subid", "x"), ("status", word)]).unwrap();
        assert!(postback.status == ConversionStatus::Lead && !is_known(word), "{word}");
    }
    assert!(is_additional("Rebill") && !is_additional("sale"));
    let capitals = "019C0000-0000-7000-8000-00000000000A";
    assert_eq!((same(capitals), same("Abc")), (capitals.to_lowercase(), "Abc".to_owned()));
}
