//! The table of errors, row by row.

use proptest::prelude::*;

use super::*;

const POLICY: Policy = Policy { retry_limit: 3, dedupe_window: Duration::from_mins(5) };

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("in range")
}

fn fresh() -> Attempt {
    Attempt { attempts: 0, ambiguous_since: None, ended: at(0), is_peer_fresh: false, has_history: false }
}

fn rpc(code: i32, spelled: &str) -> Reply {
    Err(Fault::rpc(code, spelled))
}

/// The expectation of a row of the table: the job's state, whether an attempt is spent, and what follows for others.
type Row = (JobStatus, bool, Effect);

#[track_caller]
fn all_are(code: i32, errors: &[&str], row: &Row) {
    for error in errors {
        let verdict = judge(&rpc(code, error), fresh(), POLICY);
        assert_eq!(&(verdict.status, verdict.counts, verdict.effect), row, "{code} {error}");
        assert_eq!(verdict.ambiguous_since, None, "{error}");
    }
}

#[test]
fn what_was_accepted_is_sent() {
    for reply in
        [Ok(Receipt::Accepted { message_id: Some(1) }), Ok(Receipt::Duplicate), rpc(500, "RANDOM_ID_DUPLICATE")]
    {
        let verdict = judge(&reply, fresh(), POLICY);
        assert_eq!((verdict.status, verdict.counts, verdict.effect), (JobStatus::Sent, true, Effect::Delivered));
    }
}

#[test]
fn waits_are_the_accounts_and_slow_mode_is_the_channels() {
    let wait = |seconds, until| (JobStatus::Queued, false, Effect::Wait { seconds, until: at(until) });
    all_are(420, &["FLOOD_WAIT_30", "FLOOD_PREMIUM_WAIT_30"], &wait(30, 31));
    all_are(420, &["FLOOD_WAIT_0"], &wait(1, 2));
    all_are(400, &["SESSION_TOO_FRESH_60"], &wait(60, 61));
    all_are(420, &["TAKEOUT_INIT_DELAY_60", "SOME_NEW_WAIT_60"], &wait(60, 61));
    let slow = Effect::SlowMode { seconds: 10, until: at(11) };
    all_are(420, &["SLOWMODE_WAIT_10"], &(JobStatus::Queued, false, slow));
}

#[test]
fn what_an_account_can_not_help_parks_it_and_costs_the_job_nothing() {
    let parked = |status| (JobStatus::Queued, false, Effect::AccountRefused(status));
    all_are(400, &["PEER_FLOOD"], &parked(AccountStatus::Restricted));
    all_are(420, &["FROZEN_METHOD_INVALID"], &parked(AccountStatus::Frozen));
    all_are(401, &["USER_DEACTIVATED", "USER_DEACTIVATED_BAN"], &parked(AccountStatus::Banned));
    all_are(400, &["PHONE_NUMBER_BANNED"], &parked(AccountStatus::Banned));
    let signed_out = ["AUTH_KEY_UNREGISTERED", "SESSION_REVOKED", "SESSION_EXPIRED", "SOMETHING_NEW"];
    all_are(401, &signed_out, &parked(AccountStatus::NeedsLogin));
    all_are(406, &["AUTH_KEY_DUPLICATED"], &parked(AccountStatus::NeedsLogin));
}

#[test]
fn what_the_channel_refuses_fails_the_job() {
    let failed = |effect| (JobStatus::Failed, true, effect);
    all_are(403, &["USER_RESTRICTED"], &failed(Effect::ChannelRefusedAccount));
    all_are(400, &["USER_BANNED_IN_CHANNEL"], &failed(Effect::ChannelRefusedAccount));
    let forbidden = [
        "CHAT_WRITE_FORBIDDEN",
        "CHAT_ADMIN_REQUIRED",
        "CHAT_GUEST_SEND_FORBIDDEN",
        "CHAT_RESTRICTED",
        "CHAT_FORBIDDEN",
        "ALLOW_PAYMENT_REQUIRED_5",
        "SOMETHING_NEW",
    ];
    all_are(403, &forbidden, &failed(Effect::ChannelRefused));
    all_are(400, &["SOMETHING_NEW"], &failed(Effect::ChannelRefused));
    all_are(406, &["ALLOW_PAYMENT_REQUIRED", "SOMETHING_NEW"], &failed(Effect::ChannelRefused));
    let gone = [
        "USERNAME_NOT_OCCUPIED",
        "USERNAME_INVALID",
        "INPUT_USER_DEACTIVATED",
        "USER_IS_BLOCKED",
        "YOU_BLOCKED_USER",
        "PRIVACY_PREMIUM_REQUIRED",
    ];
    all_are(400, &gone, &failed(Effect::ChannelGone));
    let own = ["SLOWMODE_MULTI_MSGS_DISABLED", "RANDOM_ID_EMPTY", "RANDOM_ID_INVALID", "BALANCE_TOO_LOW"];
    all_are(400, &own, &failed(Effect::None));
    let about_its_sort = [
        "CHAT_SEND_PLAIN_FORBIDDEN",
        "CHAT_SEND_MEDIA_FORBIDDEN",
        "CHAT_SEND_PHOTOS_FORBIDDEN",
        "CHAT_SEND_SOMETHING_NEW_FORBIDDEN",
    ];
    all_are(403, &about_its_sort, &failed(Effect::ChannelNoted));
    let about_the_message = ["MEDIA_SOMETHING_NEW", "VIDEO_SOMETHING_NEW", "REPLY_MARKUP_INVALID"];
    all_are(403, &about_the_message, &failed(Effect::None));
    all_are(400, &about_the_message, &failed(Effect::None));
}

#[test]
fn a_stale_peer_is_looked_up_once_more() {
    let stale = ["CHANNEL_PRIVATE", "CHANNEL_INVALID", "PEER_ID_INVALID"];
    all_are(400, &stale, &(JobStatus::Queued, false, Effect::PeerStale));
    for error in stale {
        let again = judge(&rpc(400, error), Attempt { is_peer_fresh: true, ..fresh() }, POLICY);
        assert_eq!((again.status, again.effect), (JobStatus::Failed, Effect::None), "{error}");
    }
}

#[test]
fn what_every_message_would_meet_pauses_the_campaign() {
    let content = [
        "MESSAGE_TOO_LONG",
        "MESSAGE_EMPTY",
        "ENTITY_BOUNDS_INVALID",
        "MEDIA_CAPTION_TOO_LONG",
        "MEDIA_EMPTY",
        "PHOTO_INVALID_DIMENSIONS",
        "WEBPAGE_CURL_FAILED",
        "IMAGE_PROCESS_FAILED",
        "PHOTO_EXT_INVALID",
        "EXTERNAL_URL_INVALID",
    ];
    all_are(400, &content, &(JobStatus::Queued, false, Effect::ContentRefused));
}

#[test]
fn what_may_pass_is_tried_again_and_spends_attempts() {
    let again = |effect| (JobStatus::Queued, true, effect);
    all_are(400, &["FILE_REFERENCE_EXPIRED", "FILE_REFERENCE_0_EXPIRED"], &again(Effect::MediaStale));
    all_are(400, &["CHANNELS_TOO_MUCH", "INVITE_REQUEST_SENT"], &again(Effect::None));
    all_are(303, &["PHONE_MIGRATE_4", "USER_MIGRATE_4", "NETWORK_MIGRATE_4"], &again(Effect::None));
    all_are(420, &["SOMETHING_NEW"], &again(Effect::None));
    let deferred = judge(&rpc(400, "CHANNELS_TOO_MUCH"), fresh(), POLICY);
    assert_eq!(deferred.not_before, Some(at(3_600)));
    let spent = Attempt { attempts: 3, ..fresh() };
    assert_eq!(judge(&rpc(303, "USER_MIGRATE_4"), spent, POLICY).status, JobStatus::Failed);
    assert_eq!(judge(&Err(Fault::NotConnected), spent, POLICY).status, JobStatus::Queued, "nothing was handed over");
}

#[test]
fn a_servers_trouble_may_have_sent_it() {
    for (code, error) in [
        (500, "TIMEOUT"),
        (500, "RPC_CALL_FAIL"),
        (500, "WORKER_BUSY_TOO_LONG_RETRY"),
        (500, "INTERDC_2_CALL_ERROR"),
        (500, "SOMETHING_NEW"),
        (-503, "TIMEOUT"),
    ] {
        let verdict = judge(&rpc(code, error), fresh(), POLICY);
        assert_eq!((verdict.status, verdict.ambiguous_since), (JobStatus::Queued, Some(at(0))), "{code} {error}");
    }
}

#[test]
fn a_lost_answer_is_repeated_at_doubling_distances_and_ends_unknown() {
    let mut attempt = fresh();
    let mut waited = Vec::new();
    loop {
        let verdict = judge(&Err(Fault::ConnectionLost), attempt, POLICY);
        assert!(!verdict.counts, "no answer came");
        let Some(until) = verdict.not_before else {
            assert_eq!(verdict.status, JobStatus::Unknown);
            break;
        };
        waited.push((until - attempt.ended).num_seconds());
        attempt = Attempt { ambiguous_since: verdict.ambiguous_since, ended: until, ..attempt };
    }
    assert_eq!(waited, [1, 1, 2, 4, 8, 16, 32, 60, 60, 60], "until the window of 300 s is over");
}

#[test]
fn server_errors_spend_attempts_and_end_unknown_never_failed() {
    let mut attempt = fresh();
    for _ in 0..3 {
        let verdict = judge(&rpc(500, "RPC_CALL_FAIL"), attempt, POLICY);
        assert_eq!((verdict.status, verdict.counts), (JobStatus::Queued, true));
        let (attempts, ambiguous_since) = (attempt.attempts + 1, verdict.ambiguous_since);
        attempt = Attempt { attempts, ambiguous_since, ended: at(1), ..attempt };
    }
    assert_eq!(judge(&rpc(500, "RPC_CALL_FAIL"), attempt, POLICY).status, JobStatus::Unknown);
}

#[test]
fn a_definite_error_after_an_ambiguous_send_is_unknown() {
    let attempt = Attempt { ambiguous_since: Some(at(-10)), ..fresh() };
    assert_eq!(judge(&rpc(403, "CHAT_WRITE_FORBIDDEN"), attempt, POLICY).status, JobStatus::Unknown);
    let waiting = judge(&rpc(420, "FLOOD_WAIT_400"), attempt, POLICY);
    assert_eq!(waiting.status, JobStatus::Unknown, "after the wait nobody would remember the random_id");
    assert!(matches!(waiting.effect, Effect::Wait { seconds: 400, .. }), "but the account waits");
    assert_eq!(judge(&Ok(Receipt::Duplicate), attempt, POLICY).ambiguous_since, None);
    let with_history = judge(&rpc(420, "FLOOD_WAIT_400"), Attempt { has_history: true, ..attempt }, POLICY);
    assert_eq!(with_history.status, JobStatus::Queued, "the history may tell");
}

fn replies() -> impl Strategy<Value = Reply> {
    let names = proptest::sample::select(vec![
        "FLOOD_WAIT_5",
        "SLOWMODE_WAIT_3",
        "CHAT_WRITE_FORBIDDEN",
        "CHANNEL_PRIVATE",
        "RPC_CALL_FAIL",
        "RANDOM_ID_DUPLICATE",
        "MEDIA_EMPTY",
        "NEW_1",
    ]);
    let codes = proptest::sample::select(vec![-503, 303, 400, 401, 403, 406, 420, 500]);
    prop_oneof![
        Just(Ok(Receipt::Duplicate)),
        Just(Err(Fault::ConnectionLost)),
        Just(Err(Fault::TimedOut)),
        (codes, names).prop_map(|(code, name)| Err(Fault::rpc(code, name))),
    ]
}

proptest! {
    #[test]
    fn ambiguity_ends_only_by_a_receipt(reply in replies(), attempts in 0..9i32, age in proptest::option::of(0..600i64)) {
        let attempt = Attempt { attempts, ambiguous_since: age.map(|age| at(-age)), ..fresh() };
        let verdict = judge(&reply, attempt, POLICY);
        if attempt.ambiguous_since.is_some() {
            prop_assert_ne!(verdict.status, JobStatus::Failed);
            prop_assert_eq!(verdict.ambiguous_since.is_none(), verdict.status == JobStatus::Sent);
        }
        prop_assert_eq!(verdict.status == JobStatus::Queued, verdict.not_before.is_some());
        prop_assert!(verdict.not_before.is_none_or(|until| until >= attempt.ended));
        prop_assert_eq!(verdict.error.is_none(), verdict.status == JobStatus::Sent);
    }
}
