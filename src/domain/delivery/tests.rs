//! The table of errors, row by row.

use proptest::prelude::*;

use super::*;

const POLICY: Policy = Policy { retry_limit: 3, dedupe_window: Duration::from_mins(5) };

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("in range")
}

fn fresh() -> Attempt {
    Attempt { attempts: 0, ambiguous_since: None, ended: at(0) }
}

fn rpc(code: i32, spelled: &str) -> Reply {
    Err(Fault::rpc(code, spelled))
}

#[test]
fn errors_have_owners() {
    use JobStatus::{Failed, Queued, Sent};
    let rows: [(Reply, JobStatus, bool, Effect); 13] = [
        (Ok(Receipt::Accepted { message_id: Some(1) }), Sent, true, Effect::Delivered),
        (Ok(Receipt::Duplicate), Sent, true, Effect::Delivered),
        (rpc(500, "RANDOM_ID_DUPLICATE"), Sent, true, Effect::Delivered),
        (rpc(420, "FLOOD_WAIT_30"), Queued, false, Effect::Wait { seconds: 30, until: at(31) }),
        (rpc(420, "FLOOD_WAIT_0"), Queued, false, Effect::Wait { seconds: 1, until: at(2) }),
        (rpc(420, "SLOWMODE_WAIT_10"), Queued, false, Effect::None),
        (rpc(403, "CHAT_WRITE_FORBIDDEN"), Failed, true, Effect::ChannelRefused),
        (rpc(400, "USERNAME_NOT_OCCUPIED"), Failed, true, Effect::ChannelGone),
        (rpc(400, "MESSAGE_TOO_LONG"), Queued, false, Effect::ContentRefused),
        (rpc(400, "PEER_FLOOD"), Queued, false, Effect::AccountRefused),
        (rpc(401, "AUTH_KEY_PERM_EMPTY"), Queued, false, Effect::AccountRefused),
        (rpc(420, "FROZEN_METHOD_INVALID"), Queued, false, Effect::AccountRefused),
        (rpc(400, "SOMETHING_NEW"), Failed, true, Effect::ChannelRefused),
    ];
    for (reply, status, counts, effect) in rows {
        let verdict = judge(&reply, fresh(), POLICY);
        assert_eq!((verdict.status, verdict.counts, verdict.effect), (status, counts, effect), "{reply:?}");
        assert_eq!(verdict.ambiguous_since, None, "{reply:?}");
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
        attempt = Attempt { attempts: attempt.attempts + 1, ambiguous_since: verdict.ambiguous_since, ended: at(1) };
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
}

fn replies() -> impl Strategy<Value = Reply> {
    let names = proptest::sample::select(vec![
        "FLOOD_WAIT_5",
        "SLOWMODE_WAIT_3",
        "CHAT_WRITE_FORBIDDEN",
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
        let attempt = Attempt { attempts, ambiguous_since: age.map(|age| at(-age)), ended: at(0) };
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
