//! The part of the story that retention tells.

use serde_json::{Value as Json, json};

use super::Story;

/// Leads become known, are put into a campaign, contacted by hand, and looked at in numbers.
pub async fn catalogue(story: &mut Story) {
    let campaign = campaign(story).await;
    let ann = leads(story, &campaign).await;
    let script = scripts(story, &campaign).await;
    let seen = story.run("preview-script", json!({ "scriptId": script, "leadId": ann })).await["previewScript"].clone();
    assert_eq!(
        (&seen["subject"], &seen["text"], &seen["html"]),
        (&json!("Hi Ann"), &json!("Hello"), &json!("<p>Hello</p>"))
    );
    contacts(story, &campaign, &ann, &script).await;
    rules(story).await;
    let paused = story.input("update-retention-campaign", json!({ "id": campaign, "status": "PAUSED" })).await;
    assert_eq!(paused["updateRetentionCampaign"]["campaign"]["status"], "PAUSED");
    assert_eq!(
        story.input("delete-retention-campaign", json!({ "id": campaign })).await["deleteRetentionCampaign"]["deletedId"],
        campaign
    );
    assert_eq!(story.input("delete-lead", json!({ "id": ann })).await["deleteLead"]["deletedId"], ann);
    story.input("delete-script", json!({ "id": script })).await;
}

async fn campaign(story: &mut Story) -> Json {
    let new = json!({
        "name": "Win back", "channels": ["EMAIL", "SMS"], "contactHoursStart": "09:00", "contactHoursEnd": "18:00",
        "contactDays": ["MON", "TUE"], "timeZone": "Europe/Berlin", "maxContactsPerDay": 2, "autoAssign": true,
    });
    let made = story.input("create-retention-campaign", new).await["createRetentionCampaign"]["campaign"].clone();
    assert_eq!((&made["status"], &made["contactHoursStart"]), (&json!("DRAFT"), &json!("09:00")));
    let active = story.input("update-retention-campaign", json!({ "id": made["id"], "status": "ACTIVE" })).await;
    assert_eq!(active["updateRetentionCampaign"]["campaign"]["status"], "ACTIVE");
    let found = story.run("list-retention-campaigns", json!({ "filter": { "search": "win back" } })).await;
    assert_eq!(found["retentionCampaigns"]["totalCount"], 1);
    made["id"].clone()
}

/// The campaign gets new leads by itself; returns one of them.
async fn leads(story: &mut Story, campaign: &Json) -> Json {
    let ann = json!({ "email": "Ann@Example.com", "phone": "+49 151 23456789", "firstName": "Ann", "source": "crm" });
    let made = story.input("create-lead", ann.clone()).await["createLead"].clone();
    assert_eq!((&made["isNew"], &made["lead"]["status"]), (&json!(true), &json!("IN_PROGRESS")));
    let again = story.input("create-lead", ann).await["createLead"].clone();
    assert_eq!((&again["isNew"], &again["lead"]["id"]), (&json!(false), &made["lead"]["id"]));
    let found = story.run("lead-by", json!({ "key": { "phone": "0049 151 23456789" } })).await["leadBy"].clone();
    assert_eq!(found["id"], made["lead"]["id"]);
    let bob = story.input("create-lead", json!({ "email": "bob@example.com" })).await;
    let bob = bob["createLead"]["lead"]["id"].clone();
    let renamed =
        story.input("update-lead", json!({ "id": bob, "lastName": "Builder", "meta": { "plan": "gold" } })).await;
    assert_eq!(renamed["updateLead"]["lead"]["meta"], json!({ "plan": "gold" }));
    let refused = json!({ "leadId": bob, "channels": ["SMS"], "source": "a call" });
    let refused = story.input("set-do-not-contact", refused).await["setDoNotContact"]["lead"].clone();
    assert_eq!(refused["doNotContact"], json!(["SMS"]));
    let no_email = json!({ "leadId": bob, "channels": ["EMAIL"], "source": "a call", "wording": "No mails." });
    story.input("set-do-not-contact", no_email).await;
    let at_bob = json!({ "filter": { "email": "Bob@example.com", "isInForce": true } });
    let kept = story.run("list-refusals", at_bob).await["refusals"].clone();
    assert_eq!((&kept["totalCount"], &kept["nodes"][0]["channel"]), (&json!(1), &json!("EMAIL")));
    let lift = json!({ "email": "bob@example.com", "channel": "EMAIL", "reason": "he wrote to us" });
    let lifted = story.input("lift-refusal", lift).await["liftRefusal"]["refusals"].clone();
    assert_eq!(lifted[0]["liftedReason"], "he wrote to us");
    let found =
        story.run("list-leads", json!({ "filter": { "search": "builder", "statuses": ["IN_PROGRESS"] } })).await;
    assert_eq!(found["leads"]["totalCount"], 1);
    let removed = story.input("remove-leads", json!({ "campaignId": campaign, "filter": {} })).await;
    assert_eq!(removed["removeLeads"]["removed"], 2);
    let assigned =
        story.input("assign-leads", json!({ "campaignId": campaign, "leadIds": [bob, made["lead"]["id"]] })).await;
    assert_eq!(
        (&assigned["assignLeads"]["assigned"], &assigned["assignLeads"]["campaign"]["leadCount"]),
        (&json!(2), &json!(2))
    );
    let stats = story.run("lead-stats", json!({ "filter": { "sources": ["CRM"] } })).await["leadStats"].clone();
    assert_eq!((&stats["total"], &stats["bySource"]), (&json!(1), &json!([{ "source": "CRM", "count": 1 }])));
    made["lead"]["id"].clone()
}

async fn scripts(story: &mut Story, campaign: &Json) -> Json {
    let new = json!({
        "name": "hello", "type": "EMAIL", "subject": "Hi {{ first_name }}", "content": "Dear {{ name }}", "isDefault": true,
        "campaignId": campaign,
    });
    let script = story.input("create-script", new).await["createScript"]["script"].clone();
    assert_eq!(script["placeholders"], json!(["first_name", "name"]));
    let shorter =
        story.input("update-script", json!({ "id": script["id"], "content": "<p>Hello</p>", "format": "HTML" })).await;
    assert_eq!(shorter["updateScript"]["script"]["placeholders"], json!(["first_name"]));
    assert_eq!(shorter["updateScript"]["script"]["format"], "HTML");
    for filter in [json!({ "types": ["EMAIL"] }), json!({ "campaignId": campaign }), json!({ "isDefault": true })] {
        assert_eq!(story.run("list-scripts", json!({ "filter": filter })).await["scripts"]["totalCount"], 1);
    }
    script["id"].clone()
}

async fn contacts(story: &mut Story, campaign: &Json, lead: &Json, script: &Json) {
    let call = json!({
        "leadId": lead, "campaignId": campaign, "scriptId": script, "channel": "CALL", "status": "SUCCESS",
        "duration": 120, "provider": "desk", "providerRef": "call-7", "cost": "0.25", "currency": "EUR", "result": { "outcome": "answered" },
    });
    let noted = story.input("record-contact-attempt", call).await["recordContactAttempt"]["contactAttempt"].clone();
    assert_eq!((&noted["cost"], &noted["lead"]["status"]), (&json!("0.25"), &json!("CONTACTED")));
    let known = story.run("contact-attempt-by", json!({ "key": { "providerRef": "call-7" } })).await;
    assert_eq!(known["contactAttemptBy"]["id"], noted["id"]);
    let found =
        story.run("list-contact-attempts", json!({ "filter": { "channels": ["CALL"], "campaignId": campaign } })).await;
    assert_eq!(found["contactAttempts"]["nodes"][0]["script"]["name"], "hello");
    let corrected = story.input("correct-contact-attempt", json!({ "id": noted["id"], "notes": "a good talk" })).await;
    assert_eq!(corrected["correctContactAttempt"]["contactAttempt"]["notes"], "a good talk");
    let replied = json!({ "leadId": lead, "contactAttemptId": noted["id"], "reply": "call me in May" });
    assert_eq!(story.input("mark-replied", replied).await["markReplied"]["lead"]["id"], *lead);
    let stats = story.run("contact-attempt-stats", json!({})).await["contactAttemptStats"].clone();
    let euros = json!([{ "currency": "EUR", "amount": "0.25" }]);
    assert_eq!((&stats["groups"][0]["averageDuration"], &stats["groups"][0]["averageCosts"]), (&json!(120.0), &euros));
    let shown = story.run("lead", json!({ "id": lead })).await["lead"].clone();
    assert_eq!(shown["contactAttempts"]["totalCount"], 1);
    let shown = story.run("retention-campaign", json!({ "id": campaign })).await["retentionCampaign"].clone();
    assert_eq!(shown["leadCounts"][1], json!({ "status": "CONTACTED", "count": 1 }));
    assert_eq!(shown["attemptCounts"][2], json!({ "channel": "CALL", "count": 1 }));
}

async fn rules(story: &mut Story) {
    let new = json!({ "channel": "SMS", "metric": "CONVERSION_RATE", "value": "0.02", "sampleSize": 500, "confidence": 0.95 });
    let rule = story.input("create-conversion-rule", new).await["createConversionRule"]["conversionRule"].clone();
    assert_eq!((&rule["value"], &rule["isActive"]), (&json!("0.02"), &json!(true)));
    let off = story.input("update-conversion-rule", json!({ "id": rule["id"], "isActive": false })).await;
    assert_eq!(off["updateConversionRule"]["conversionRule"]["isActive"], false);
    let found = story.run("list-conversion-rules", json!({ "filter": { "channels": ["SMS"] } })).await;
    assert_eq!(found["conversionRules"]["totalCount"], 1);
    story.input("delete-conversion-rule", json!({ "id": rule["id"] })).await;
}
