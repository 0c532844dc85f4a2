//! A refusal belongs to an address: whatever becomes of the lead that had it, nobody is contacted there until it is lifted.

use domain::id::LeadId;
use domain::retention::words::{AddressKind, ContactChannel, EnrollmentStatus, ExecutionReason, ExecutionStatus};
use graphql::engine::id::GlobalId;
use reqwest::Method;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value as Json, json};
use service::retention::refusal::{self, Said};
use service::retention::unsubscribe;
use storage::Noun;
use storage::retention::{lead as lead_rows, refusal as rows_of_refusals, refusal_to_carry};

use super::engine::{Bureau, email, step};
use super::{lead, try_lead};
use crate::delivery::fixture::Office;
use crate::harness::{Client, TestApp, eventually};

/// Four days a second.
const SPEED: i64 = 4 * 24 * 3600;
const SET: &str =
    "mutation($input: SetDoNotContactInput!) { setDoNotContact(input: $input) { lead { doNotContact } } }";
const READ: &str = "query($id: ID!) { lead(id: $id) { status doNotContact consents { channel kind source wording } } }";
const MERGE: &str = "mutation($input: MergeLeadsInput!) { mergeLeads(input: $input) { lead { id } } }";
const DELETE: &str = "mutation($id: ID!) { deleteLead(input: { id: $id }) { deletedId } }";
const LIFT: &str =
    "mutation($input: LiftRefusalInput!) { liftRefusal(input: $input) { refusals { liftedAt liftedReason } } }";

async fn set(by: &Client, input: Json) -> Json {
    by.data(SET, json!({ "input": input })).await["setDoNotContact"]["lead"]["doNotContact"].clone()
}

async fn read(by: &Client, id: &Json) -> Json {
    by.data(READ, json!({ "id": id })).await["lead"].clone()
}

async fn row(herald: &TestApp, id: &Json) -> lead_rows::Model {
    let all = lead_rows::Entity::all().all(herald.services().db.reader()).await.unwrap();
    all.into_iter().find(|row| json!(row.id.global()) == *id).unwrap()
}

/// The path of the link in an email to a lead.
async fn link(herald: &TestApp, id: &Json) -> String {
    let url = unsubscribe::url(herald.services(), &row(herald, id).await);
    format!("/unsubscribe/{}", url.rsplit('/').next().unwrap())
}

async fn imported(by: &Client, list: &str, more: Json) -> Json {
    let mut input = json!({ "uploadId": by.upload(list.to_owned()).await });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let ask = "mutation($input: ImportLeadsInput!) { importLeads(input: $input) { import { id } } }";
    let id = by.data(ask, json!({ "input": input })).await["importLeads"]["import"]["id"].clone();
    let read = "query($id: ID!) { leadImport(id: $id) { status lines inserted invalid unusedColumns errors { line message } } }";
    let mut import = Json::Null;
    eventually("the import has ended", async || {
        import = by.data(read, json!({ "id": id })).await["leadImport"].clone();
        import["status"] == "COMPLETED" || import["status"] == "FAILED"
    })
    .await;
    import
}

#[tokio::test]
async fn a_link_does_its_work_after_its_lead_was_merged_or_deleted() {
    let herald = TestApp::api_only().await;
    let (operator, nobody) = (herald.operator().await, herald.nobody());
    let by_email = lead(&operator, json!({ "email": "b@example.com" })).await["lead"]["id"].clone();
    let path = link(&herald, &by_email).await;
    let kept = lead(&operator, json!({ "phone": "+4915140000001" })).await["lead"]["id"].clone();
    operator.data(MERGE, json!({ "input": { "keepId": kept, "duplicateId": by_email } })).await;
    let click = nobody.request(Method::POST, &path).send().await.unwrap();
    assert_eq!(click.status(), 200);
    let now = read(&operator, &kept).await;
    assert_eq!(now["doNotContact"], json!(["EMAIL"]));
    assert_eq!(now["consents"][0]["kind"], "WITHDRAWN", "it is shown where the lead shows its words: {now}");

    let gone = lead(&operator, json!({ "email": "gone@example.com" })).await["lead"]["id"].clone();
    let path = link(&herald, &gone).await;
    operator.data(DELETE, json!({ "id": gone })).await;
    assert_eq!(nobody.request(Method::POST, &path).send().await.unwrap().status(), 200);
    let back = lead(&operator, json!({ "email": "gone@example.com" })).await["lead"]["id"].clone();
    let back = read(&operator, &back).await;
    assert_eq!(back["doNotContact"], json!(["EMAIL"]), "{back}");
    assert_eq!(back["consents"][0]["source"], "the link in an email");
}

/// It is one person who has said no: at the addresses of both, those too that nobody has from now on.
#[tokio::test]
async fn a_merge_keeps_what_either_refused_at_the_addresses_of_both() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    for (number, refuses) in [(1, "kept"), (2, "duplicate")] {
        let email = |name: &str| format!("{name}{number}@example.com");
        let kept = lead(&operator, json!({ "email": email("kept") })).await["lead"]["id"].clone();
        let duplicate = lead(&operator, json!({ "email": email("duplicate") })).await["lead"]["id"].clone();
        let who = if refuses == "kept" { &kept } else { &duplicate };
        let stop = json!({ "input": { "leadId": who, "channels": ["EMAIL"], "source": "a letter" } });
        let set = "mutation($input: SetDoNotContactInput!) { setDoNotContact(input: $input) { lead { id } } }";
        operator.data(set, stop).await;
        let merge = json!({ "keepId": kept, "duplicateId": duplicate });
        operator.data(MERGE, json!({ "input": merge })).await;
        assert_eq!(read(&operator, &kept).await["doNotContact"], json!(["EMAIL"]), "{refuses}");
        operator.data(DELETE, json!({ "id": kept })).await;
        for name in ["kept", "duplicate"] {
            let back = lead(&operator, json!({ "email": email(name) })).await["lead"]["id"].clone();
            assert_eq!(read(&operator, &back).await["doNotContact"], json!(["EMAIL"]), "{refuses}: {name}");
        }
    }
}

#[tokio::test]
async fn a_link_of_an_earlier_version_leads_on_and_never_promises_what_it_does_not_do() {
    let herald = TestApp::api_only().await;
    let (operator, nobody, on) = (herald.operator().await, herald.nobody(), herald.services().clone());
    let old_link = |id: LeadId| {
        let mut signed = on.keys.lasting.fingerprint(domain::secret_key::LastingUse::UnsubscribeLinks, id.0.as_bytes());
        signed.truncate(32);
        format!("/unsubscribe/{}{signed}", id.0.simple())
    };
    let merged = lead(&operator, json!({ "email": "m@example.com" })).await["lead"]["id"].clone();
    let path = old_link(row(&herald, &merged).await.id);
    let kept = lead(&operator, json!({ "phone": "+4915140000002" })).await["lead"]["id"].clone();
    operator.data(MERGE, json!({ "input": { "keepId": kept, "duplicateId": merged } })).await;
    assert_eq!(nobody.request(Method::POST, &path).send().await.unwrap().status(), 200);
    assert_eq!(read(&operator, &kept).await["doNotContact"], json!(["EMAIL"]));
    // Its lead went before anybody wrote down which address it had.
    let path = old_link(LeadId::generate());
    let page = nobody.request(Method::POST, &path).header("accept-language", "ru").send().await.unwrap();
    assert_eq!(page.status(), 410);
    assert!(page.text().await.unwrap().contains("не можем отписать"));
}

#[tokio::test]
async fn an_address_that_leaves_a_barred_lead_stays_barred() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let d = lead(&operator, json!({ "email": "d@example.com" })).await["lead"]["id"].clone();
    let e = lead(&operator, json!({ "email": "e@example.com" })).await["lead"]["id"].clone();
    set(&operator, json!({ "leadId": e, "source": "call" })).await;
    operator.data(MERGE, json!({ "input": { "keepId": d, "duplicateId": e } })).await;
    assert_eq!(read(&operator, &d).await["status"], "DO_NOT_CONTACT");
    let again = imported(&operator, "email\ne@example.com\n", json!({})).await;
    assert_eq!((&again["inserted"], &again["invalid"]), (&json!(0), &json!(1)), "{again}");
    assert_eq!(try_lead(&operator, json!({ "email": "E@example.com" })).await.code(), "PRECONDITION_FAILED");

    // One that refuses a channel may come back, but not to be contacted by it: deleted, or with another number.
    let f = lead(&operator, json!({ "email": "f@example.com", "phone": "+4915140000003" })).await["lead"]["id"].clone();
    set(&operator, json!({ "leadId": f, "channels": ["EMAIL", "SMS"], "source": "call" })).await;
    let update = "mutation($input: UpdateLeadInput!) { updateLead(input: $input) { lead { doNotContact } } }";
    let change = json!({ "input": { "id": f, "phone": "+4915140000004" } });
    let changed = operator.data(update, change).await["updateLead"]["lead"]["doNotContact"].clone();
    assert_eq!(changed, json!(["EMAIL", "SMS"]), "who said no at one number says no at another");
    operator.data(DELETE, json!({ "id": f })).await;
    let list = "email,phone\nf@example.com,\n,+4915140000003\n,+4915140000004\nfree@example.com,\n";
    assert_eq!(imported(&operator, list, json!({})).await["inserted"], 4);
    let all = lead_rows::Entity::all().all(herald.services().db.reader()).await.unwrap();
    let refusing: Vec<(bool, bool)> = all
        .iter()
        .filter(|row| row.id.global() != d.as_str().unwrap())
        .map(|row| (row.refuses(ContactChannel::Email), row.refuses(ContactChannel::Sms)))
        .collect();
    assert_eq!(refusing, [(true, false), (false, true), (false, true), (false, false)]);
    let first = all.iter().find(|row| row.email.as_deref() == Some("f@example.com")).unwrap();
    assert_eq!(read(&operator, &json!(first.id.global())).await["consents"][0]["source"], "call");
}

#[tokio::test]
async fn to_lift_one_refusal_lifts_that_one_only() {
    let herald = TestApp::api_only().await;
    let (admin, on) = (herald.admin().await, herald.services());
    let id = lead(&admin, json!({ "email": "l@example.com", "phone": "+4915140000005" })).await["lead"]["id"].clone();
    set(&admin, json!({ "leadId": id, "channels": ["SMS"], "source": "STOP" })).await;
    assert_eq!(set(&admin, json!({ "leadId": id, "source": "wrong person" })).await.as_array().unwrap().len(), 5);
    let lifted = set(&admin, json!({ "leadId": id, "doNotContact": false, "source": "the other one" })).await;
    assert_eq!(lifted, json!(["SMS"]), "it is where it was before");

    let count = async |filter: Json| {
        let list = "query($filter: RefusalFilter) { refusals(filter: $filter) { totalCount } }";
        admin.data(list, json!({ "filter": filter })).await["refusals"]["totalCount"].clone()
    };
    assert_eq!(count(json!({ "isInForce": true })).await, 1);
    assert_eq!(count(json!({ "phone": "+49 151 40000005" })).await, 2);
    assert_eq!(count(json!({ "email": "L@example.com", "isInForce": false })).await, 1);
    let lift = |more: Json| {
        let mut input = json!({ "phone": "+49 151 40000005", "reason": "he asked for it" });
        input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({ "input": input })
    };
    assert_eq!(admin.query(LIFT, lift(json!({}))).await.code(), "PRECONDITION_FAILED", "not everything is refused");
    assert_eq!(admin.query(LIFT, lift(json!({ "email": "l@example.com" }))).await.code(), "BAD_USER_INPUT");
    assert_eq!(admin.query(LIFT, lift(json!({ "channel": "SMS", "reason": " " }))).await.code(), "BAD_USER_INPUT");
    let lifted = admin.data(LIFT, lift(json!({ "channel": "SMS" }))).await["liftRefusal"]["refusals"].clone();
    assert!(lifted.as_array().unwrap().iter().all(|refusal| refusal["liftedAt"] != Json::Null), "{lifted}");
    assert_eq!(read(&admin, &id).await["doNotContact"], json!([]));
    let wording = rows_of_refusals::Entity::all().all(on.db.reader()).await.unwrap();
    assert!(wording.iter().all(|row| !row.hash.contains("example") && !row.hash.contains("4915")));
    let early = json!({ "leadId": id, "doNotContact": false, "channels": ["TELEGRAM"], "source": "x",
        "givenAt": "2130-01-01T00:00:00Z" });
    assert_eq!(admin.query(SET, json!({ "input": early })).await.violations(), ["input.givenAt"]);
}

#[tokio::test]
async fn columns_of_a_list_that_say_no_are_obeyed_and_the_others_are_told() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let known = lead(&operator, json!({ "email": "known@example.com" })).await["lead"]["id"].clone();
    let list = "email,status,do_not_contact,Shoe size\nst1@example.com,unsubscribed,,41\nst2@example.com,active,1,42\n\
        st3@example.com,active,0,43\nknown@example.com,unsubscribed,0,44\n";
    let import = imported(&operator, list, json!({})).await;
    assert_eq!((&import["inserted"], &import["unusedColumns"]), (&json!(3), &json!(["Shoe size"])), "{import}");
    let all = lead_rows::Entity::all().all(herald.services().db.reader()).await.unwrap();
    let closed = |email: &str| {
        let row = all.iter().find(|row| row.email.as_deref() == Some(email)).unwrap();
        row.refuses(ContactChannel::Email)
    };
    assert_eq!(["st1", "st2", "st3"].map(|name| closed(&format!("{name}@example.com"))), [true, true, false]);
    assert_eq!(read(&operator, &known).await["status"], "DO_NOT_CONTACT", "who is there already is heard, too");
    let jsonl = "{\"email\":\"j1@example.com\",\"unsubscribed\":true,\"plan\":\"gold\"}\n{\"email\":\"j2@example.com\",\"unsubscribed\":false}\n";
    let import = imported(&operator, jsonl, json!({ "format": "JSONL" })).await;
    assert_eq!((&import["inserted"], &import["unusedColumns"]), (&json!(2), &json!(["plan"])), "{import}");
    let mapped = json!({ "mapping": { "email": "Mail" } });
    let import = imported(&operator, "Mail,Opt out\nmapped@example.com,yes\n", mapped).await;
    assert_eq!(import["inserted"], 1, "{import}");
    let all = lead_rows::Entity::all().all(herald.services().db.reader()).await.unwrap();
    for (email, is_closed) in [("j1@example.com", true), ("j2@example.com", false), ("mapped@example.com", true)] {
        let row = all.iter().find(|row| row.email.as_deref() == Some(email)).unwrap();
        assert_eq!(row.refuses(ContactChannel::Email), is_closed, "{email}");
    }
}

#[tokio::test]
async fn a_suppression_list_keeps_every_address_that_can_be_read() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let there = lead(&operator, json!({ "email": "sup1@example.com" })).await["lead"]["id"].clone();
    let list = "email,phone\nsup1@example.com,0151 2345\nnonsense,+4915140000006\nsup1@example.com,+4915140000007,,\nnobody,\n";
    let import = imported(&operator, list, json!({ "isSuppressionList": true })).await;
    assert_eq!((&import["inserted"], &import["invalid"]), (&json!(3), &json!(1)), "{import}");
    let told = import["errors"].as_array().unwrap();
    assert_eq!(told.iter().map(|error| error["line"].as_i64().unwrap()).collect::<Vec<_>>(), [2, 3, 5], "{import}");
    let closed = read(&operator, &there).await;
    assert_eq!((&closed["status"], &closed["consents"][0]["kind"]), (&json!("DO_NOT_CONTACT"), &json!("WITHDRAWN")));
    for phone in ["+4915140000006", "+4915140000007"] {
        assert_eq!(try_lead(&operator, json!({ "phone": phone })).await.code(), "PRECONDITION_FAILED", "{phone}");
    }
}

/// Keeps a refusal at an address of which no lead knows, as a STOP does that comes while the lead is just being made.
async fn refused_unseen(office: &Office, kind: AddressKind, address: &str, channel: ContactChannel) {
    let on = &office.on;
    on.system_write(|w| async move {
        let said = Said { source: "a reply to a text message".into(), wording: Some("STOP".into()), at: w.now };
        refusal::keep_at(on, &w, (kind, address), &[channel], &said).await
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_lease_asks_the_address_whatever_the_lead_s_row_says() {
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let (mail, sms) =
        (bureau.script(ContactChannel::Email, "Hello").await, bureau.script(ContactChannel::Sms, "Hello").await);
    let by_sms = step(ContactChannel::Sms, sms, 0, domain::retention::words::DelayUnit::Days);
    let sequence = bureau.sequence(vec![by_sms, email(mail, 1)], |_| ()).await;
    let ann = bureau.lead("ann", |row| row.phone = Some("+4915112345678".into())).await;
    let bob = bureau.lead("bob", |row| row.phone = Some("+4915112345679".into())).await;
    refused_unseen(&bureau.office, AddressKind::Phone, "+4915112345678", ContactChannel::Sms).await;
    for lead in [ann, bob] {
        bureau.enroll(sequence.id, lead).await;
    }
    let worker = bureau.worker();
    bureau.finish(sequence.id).await;
    worker.stop().await;
    let ended = async |lead| {
        let rows = bureau.executions(lead).await;
        rows.iter().map(|row| (row.status, row.reason)).collect::<Vec<_>>()
    };
    let (sent, refused) =
        ((ExecutionStatus::Sent, None), (ExecutionStatus::Skipped, Some(ExecutionReason::DoNotContact)));
    assert_eq!((ended(ann).await, ended(bob).await), (vec![refused, sent], vec![sent, sent]));
    let row = lead_rows::Entity::by_ids(&[ann]).one(bureau.office.on.db.reader()).await.unwrap().unwrap();
    assert!(row.no_sms, "it is shown at the lead from now on");
}

#[tokio::test]
async fn what_leads_of_an_earlier_version_refuse_is_kept_by_address_once() {
    let herald = TestApp::api_only().await;
    let (operator, on) = (herald.operator().await, herald.services());
    let id =
        lead(&operator, json!({ "email": "old@example.com", "phone": "+4915140000008" })).await["lead"]["id"].clone();
    let old = row(&herald, &id).await;
    let old_row = lead_rows::Model { no_sms: true, ..old.clone() };
    let old_row = &old_row;
    on.db
        .write(|tx| async move {
            let changed = old_row.clone().into_active_model().reset_all();
            changed.update(&*tx).await?;
            let due = refusal_to_carry::Model { lead_id: old_row.id };
            Ok(refusal_to_carry::Entity::insert(due.into_active_model()).exec_without_returning(&*tx).await?)
        })
        .await
        .unwrap();
    assert_eq!(refusal::carry_over(on).await.unwrap(), 1);
    assert_eq!(refusal::carry_over(on).await.unwrap(), 0);
    operator.data(DELETE, json!({ "id": id })).await;
    let back = lead(&operator, json!({ "phone": "+4915140000008" })).await["lead"]["id"].clone();
    assert_eq!(read(&operator, &back).await["doNotContact"], json!(["SMS"]));
}

#[tokio::test]
async fn a_campaign_that_does_not_run_holds_its_sequences_and_can_not_be_deleted_from_under_them() {
    use domain::retention::words::RetentionCampaignStatus::{Completed, Draft};
    use service::retention::campaign;
    use storage::retention::campaign as campaigns;
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let Office { on, actor, .. } = &bureau.office;
    let script = bureau.script(ContactChannel::Email, "Hello").await;
    let later = on.now() + chrono::TimeDelta::days(3);
    let draft = bureau.campaign(|row| row.status = Draft).await;
    let over = bureau.campaign(|row| row.status = Completed).await;
    let early = bureau.campaign(|row| row.start_date = Some(later)).await;
    let mut held = Vec::new();
    for own in [draft, over, early] {
        let sequence = bureau.sequence(vec![email(script, 0)], |new| new.campaign = Some(own)).await;
        let lead = bureau.lead(&format!("held{}", held.len()), |_| ()).await;
        bureau.enroll(sequence.id, lead).await;
        held.push((sequence, lead));
    }
    let free = bureau.sequence(vec![email(script, 0)], |_| ()).await;
    let lead = bureau.lead("free", |_| ()).await;
    bureau.enroll(free.id, lead).await;
    let worker = bureau.worker();
    bureau.finish(free.id).await;
    for (sequence, lead) in &held {
        assert_eq!((bureau.progress(sequence.id).await.active, bureau.attempts(*lead).await.len()), (1, 0));
    }
    let refused = campaign::delete(on, actor, draft).await.unwrap_err();
    assert!(refused.to_string().contains("archive it"), "{refused}");
    let begin = campaign::Fields::default();
    let active = domain::retention::words::RetentionCampaignStatus::Active;
    campaign::update(on, actor, draft, begin, Some(active), None).await.unwrap();
    bureau.finish(held[0].0.id).await;
    worker.stop().await;
    assert_eq!(bureau.attempts(held[0].1).await.len(), 1);
    service::retention::sequence::archive(on, actor, held[0].0.id).await.unwrap();
    let row = campaigns::Entity::by_ids(&[draft]).one(on.db.reader()).await.unwrap().unwrap();
    let off = campaigns::Model { status: Draft, ..row.clone() };
    let off = &off;
    on.db.write(|tx| async move { Ok(off.clone().into_active_model().reset_all().update(&*tx).await?) }).await.unwrap();
    campaign::delete(on, actor, draft).await.unwrap();
}

#[tokio::test]
async fn a_campaign_s_channels_are_the_only_ones_and_who_asks_is_told_why_a_step_waits() {
    use service::retention::sequence;
    let bureau = Bureau::open("2026-03-03T10:00:00Z", SPEED).await;
    let Office { on, actor, .. } = &bureau.office;
    let (mail, sms) =
        (bureau.script(ContactChannel::Email, "Hello").await, bureau.script(ContactChannel::Sms, "Hello").await);
    let own = bureau.campaign(|row| row.channels.0 = vec![ContactChannel::Email, ContactChannel::Sms]).await;
    let by_sms = step(ContactChannel::Sms, sms, 0, domain::retention::words::DelayUnit::Days);
    let row = bureau.sequence(vec![by_sms, email(mail, 0)], |new| new.campaign = Some(own)).await;
    let lead = bureau.lead("ann", |row| row.phone = Some("+4915112345678".into())).await;
    bureau.enroll(row.id, lead).await;
    let narrow = service::retention::campaign::Fields {
        channels: Some(vec![ContactChannel::Email]),
        ..service::retention::campaign::Fields::default()
    };
    service::retention::campaign::update(on, actor, own, narrow, None, None).await.unwrap();
    let worker = bureau.worker();
    bureau.finish(row.id).await;
    worker.stop().await;
    let ended: Vec<_> = bureau.executions(lead).await.iter().map(|row| (row.status, row.reason)).collect();
    let off = (ExecutionStatus::Skipped, Some(ExecutionReason::Channel));
    assert_eq!(ended, [off, (ExecutionStatus::Sent, None)]);
    sequence::pause(on, actor, row.id).await.unwrap();
    let refused = sequence::activate(on, actor, row.id).await.unwrap_err();
    assert!(refused.to_string().contains("does not contact leads by SMS"), "{refused}");

    let other = bureau.sequence(vec![email(mail, 3)], |_| ()).await;
    let enrolled = bureau.enroll(other.id, lead).await;
    assert_eq!(enrolled.status, EnrollmentStatus::Active);
    let step = bureau.executions(lead).await.pop().unwrap();
    let held = async || storage::retention::queue::standing::held(on.db.reader(), &[step.id], on.now()).await.unwrap();
    assert!(held().await.is_empty());
    sequence::pause(on, actor, other.id).await.unwrap();
    assert_eq!(held().await, [step.id]);
}
