//! How columns say who must not be contacted.

use serde_json::json;

use super::*;

#[test]
fn columns_say_in_many_ways_who_must_not_be_contacted() {
    for (column, value, is_refusal) in [
        ("do_not_contact", "1", true),
        ("Do Not Contact", "TRUE", true),
        ("do-not-contact", "yes", true),
        ("DoNotContact", "x", true),
        ("unsubscribed", "2024-05-01", true),
        ("unsubscribed_at", "2024-05-01T10:00:00Z", true),
        ("opt_out", "да", true),
        ("opt_out", "ja", true),
        ("opt_out", "0", false),
        ("opt_out", "No", false),
        ("opt_out", "false", false),
        ("opt_out", "нет", false),
        ("unsubscribed", "-", false),
        ("unsubscribed", "N/A", false),
        ("status", "unsubscribed", true),
        ("status", "Do Not Contact", true),
        ("Status", "OPTED_OUT", true),
        ("status", "cleaned", true),
        ("status", "отписан", true),
        ("status", "new", false),
        ("status", "subscribed", false),
        ("status", "active", false),
        ("subscribed", "false", true),
        ("Subscribed", "yes", false),
        ("consent", "no", true),
        ("consent", "2024-05-01", false),
        ("Accepts Marketing", "no", true),
        ("Nie kontaktować", "tak", true),
        ("stop_sms", "1", true),
        ("Stop SMS", "0", false),
        ("lista nera", "si", true),
        ("Descadastrado", "sim", true),
        ("descadastro_em", "2024-05-01", true),
        ("Niet bellen", "ja", true),
        ("Ikke kontakt", "nei", false),
        ("status", "Descadastrado", true),
    ] {
        let sign = Sign::of(column).unwrap_or_else(|| panic!("{column}"));
        assert_eq!(sign.is_refusal(value), is_refusal, "{column}: {value}");
    }
    for column in ["email", "plan", "city", "stage", "first_name", ""] {
        assert_eq!(Sign::of(column), None, "{column}");
    }
}

#[test]
fn exports_of_other_systems_are_understood() {
    for (column, value, is_refusal) in [
        ("status", "removed", true),
        ("consent", "withdrawn", true),
        ("consent", "denied", true),
        ("Consent", "granted", false),
        ("Marketing status", "No consent", true),
        ("Unsubscribed from all email", "true", true),
        ("Unsubscribed from all email", "false", false),
        ("Opted out of email: One to One", "Yes", true),
        ("Email Marketing Consent", "UNSUBSCRIBED", true),
        ("Email Marketing Consent", "NEVER_SUBSCRIBED", true),
        ("Email Marketing Consent", "SUBSCRIBED", false),
        ("SMS Marketing Consent", "NEVER_SUBSCRIBED", true),
        ("BLOCKLISTED", "yes", true),
        ("EMAIL_BLACKLISTED", "1", true),
        ("emailBlacklisted", "false", false),
        ("opt_out", "1", true),
        ("Unsubscribed At", "2025-03-04 10:00", true),
        ("UNSUB_TIME", "2025-03-04 10:00", true),
        ("Email Suppressions", "[]", false),
        ("Email Suppressions", "[\"USER_SUPPRESSED\"]", true),
        ("Subscription status", "unsubscribed", true),
        ("Tags", "vip; Unsubscribed 2024", true),
        ("tags", "vip, customer", false),
        ("Werbesperre", "ja", true),
    ] {
        let sign = Sign::of(column).unwrap_or_else(|| panic!("{column}"));
        assert_eq!(sign.is_refusal(value), is_refusal, "{column}: {value}");
    }
    for column in
        ["MEMBER_RATING", "Unsubscribe link", "unsubscribe_url", "Email Marketing Consent Timestamp", "OPTIN_IP"]
    {
        assert_eq!(Sign::of(column), None, "{column}");
    }
}

#[test]
fn a_column_is_known_by_what_it_lets_be_done() {
    for (column, value, is_refusal) in [
        ("Newsletter", "0", true),
        ("Newsletter", "weekly", false),
        ("Newsletter", "ja", false),
        ("Kontakt erlaubt", "nein", true),
        ("Kontakt erlaubt", "ja", false),
        ("Accepte les emails", "non", true),
        ("Acepta correos", "no", true),
        ("Receive marketing emails?", "No", true),
        ("Receive marketing emails?", "Yes", false),
        ("can_be_contacted_by_phone", "false", true),
        ("GDPR agreed", "0", true),
        ("email permission status", "Unsubscribed", true),
        ("email permission status", "Implied", false),
        ("Baja", "sí", true),
        ("Nicht kontaktieren", "x", true),
        ("Ne pas contacter", "oui", true),
        ("Uitgeschreven", "ja", true),
        ("opt_out", "0000-00-00", false),
    ] {
        let sign = Sign::of(column).unwrap_or_else(|| panic!("{column}"));
        assert_eq!(sign.is_refusal(value), is_refusal, "{column}: {value}");
    }
    for column in [
        "Email received",
        "consent_source",
        "Consent IP",
        "optin_date",
        "Call accepted at",
        "canteen",
        "Cancelled orders",
        "phone",
        "contact owner",
        "Marketing source",
        "wants callback",
        "wants",
    ] {
        assert_eq!(Sign::of(column), None, "{column}");
    }
}

#[test]
fn a_word_that_is_not_known_is_no_consent_and_is_told() {
    for (column, value, answer) in [
        ("consent", "pending", Answer::UnclearRefused),
        ("Subscription status", "unconfirmed", Answer::UnclearRefused),
        ("status", "frobnicated", Answer::Unclear),
        ("status", "qualified", Answer::Fine),
        ("consent", "-", Answer::Fine),
    ] {
        assert_eq!(Sign::of(column).unwrap().answer(value), answer, "{column}: {value}");
    }
}

#[test]
fn what_an_object_says_counts_at_any_depth() {
    for (name, value) in [
        ("consent", json!({ "email": false })),
        ("consent", json!({ "email": { "state": "denied", "at": "2024-05-01" } })),
        ("marketing", json!({ "optOut": true })),
        ("preferences", json!([{ "unsubscribed": "2024-05-01" }])),
        ("tags", json!(["vip", "unsubscribed"])),
        ("optOut", json!(["sms", "call"])),
        ("optOut", json!({ "requested": true })),
        ("consent", json!("no")),
        ("wantsToOptOut", json!(true)),
        ("do_not_call_again", json!("yes")),
        ("opt-out-requested", json!(1)),
        ("stopCalling", json!(true)),
        ("removeFromList", json!("true")),
        ("notInterested", json!(true)),
        ("customerAskedToBeRemoved", json!(true)),
        ("outcome", json!("do_not_call")),
        ("requests", json!(["call back", "stop calling me"])),
        ("x", json!({ "name": "optOut", "result": true })),
    ] {
        assert!(!found_in(name, &value).is_empty(), "{name}: {value}");
    }
    for (name, value) in [
        ("consent", json!({ "email": true, "source": "web form", "at": "2024-05-01" })),
        ("marketing", json!({ "optOut": false })),
        ("tags", json!(["vip"])),
        ("optOut", json!([])),
        ("optOut", json!({ "requested": false, "reason": "not mentioned" })),
        ("optOut", json!(null)),
        ("stopReason", json!("customer hung up")),
        ("stopCalling", json!(false)),
        ("removeFromList", json!("no")),
        ("end", json!("10:00")),
        ("outcome", json!("meeting booked")),
        ("wantsNewsletter", json!(false)),
        ("note", json!("My friend said stop by")),
        ("x", json!({ "name": "optOut", "result": false })),
    ] {
        assert!(found_in(name, &value).is_empty(), "{name}: {value}");
    }
}
