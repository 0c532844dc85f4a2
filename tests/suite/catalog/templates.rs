//! Templates, and what they would look like.

use serde_json::{Value as Json, json};

use super::{batch, campaign, channel, channels, template};
use crate::harness::{Client, TestApp};

const CREATE: &str = "mutation($input: CreateTemplateInput!) { createTemplate(input: $input) { template {
    id name content parseMode mediaType mediaUrl mediaUploadId placeholders requiredParams usageCount version } } }";
const UPDATE: &str = "mutation($input: UpdateTemplateInput!) { updateTemplate(input: $input) { template {
    content parseMode mediaType mediaUrl version } } }";
const DELETE: &str = "mutation($id: ID!) { deleteTemplate(input: { id: $id }) { deletedId } }";

async fn violations(by: &Client, input: Json) -> Vec<String> {
    let reply = by.query(CREATE, json!({ "input": input })).await;
    assert_eq!(reply.code(), "BAD_USER_INPUT", "{input}");
    let mut violations = reply.violations();
    violations.sort_unstable();
    violations
}

#[tokio::test]
async fn a_template_says_what_it_needs() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let content = "Привет, {{channel_name}}! {{ offer_text }} {{ bye | default(\"Пока\") }}";
    let input =
        json!({ "name": "Promo", "content": content, "mediaType": "PHOTO", "mediaUrl": "https://Example.com/a.jpg" });
    let made = operator.data(CREATE, json!({ "input": input })).await["createTemplate"]["template"].clone();
    assert_eq!(made["placeholders"], json!(["bye", "channel_name", "offer_text"]));
    assert_eq!(made["requiredParams"], json!(["offer_text"]));
    assert_eq!(made["mediaUrl"], "https://example.com/a.jpg");
    assert_eq!((&made["parseMode"], &made["usageCount"], &made["version"]), (&json!("PLAIN"), &json!(0), &json!(1)));

    let no_media = json!({ "id": made["id"], "mediaType": null, "mediaUrl": null, "parseMode": "HTML" });
    let changed = operator.data(UPDATE, json!({ "input": no_media })).await["updateTemplate"]["template"].clone();
    let expected =
        json!({ "content": content, "parseMode": "HTML", "mediaType": null, "mediaUrl": null, "version": 2 });
    assert_eq!(changed, expected);
    let half = json!({ "id": made["id"], "mediaType": "VIDEO" });
    assert_eq!(operator.query(UPDATE, json!({ "input": half })).await.violations(), ["input.mediaType"]);
}

#[tokio::test]
async fn all_that_is_wrong_with_a_template_is_told_at_once() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let upload = operator.upload("photo").await;
    let wrong = json!({ "name": " ", "content": "{{ open", "mediaUrl": "http://127.1/x", "description": "\u{0}" });
    let fields = ["content", "description", "mediaType", "mediaUrl", "name"];
    assert_eq!(violations(&operator, wrong).await, fields.map(|field| format!("input.{field}")));
    let both = json!({ "name": "x", "content": "x", "mediaType": "PHOTO", "mediaUrl": "https://example.com/", "mediaUploadId": upload });
    assert_eq!(violations(&operator, both).await, ["input.mediaUploadId"]);
    let typeless = json!({ "name": "x", "content": "x", "mediaUploadId": upload });
    assert_eq!(violations(&operator, typeless).await, ["input.mediaType"]);
    let base64 = json!({ "name": "x", "content": "x", "mediaType": "PHOTO", "mediaUrl": "data:image/png;base64,AA==" });
    assert_eq!(violations(&operator, base64).await, ["input.mediaUrl"]);
    for kind in ["PHOTO", "VIDEO"] {
        let other = json!({ "name": "x", "content": "x", "mediaType": kind, "mediaUploadId": upload });
        assert_eq!(violations(&operator, other).await, ["input.mediaUploadId"], "a text is no {kind}");
    }
    let good = json!({ "name": "x", "content": "x", "mediaType": "DOCUMENT", "mediaUploadId": upload });
    let made = operator.data(CREATE, json!({ "input": good })).await["createTemplate"]["template"].clone();
    assert_eq!(made["mediaUploadId"], json!(upload));
}

/// A PNG of so many pixels, as far as its header goes.
fn png(width: u32, height: u32) -> Vec<u8> {
    let header = [&b"IHDR"[..], &width.to_be_bytes(), &height.to_be_bytes(), &[1, 0, 0, 0, 0]].concat();
    // The sum of a chunk: what zlib calls CRC-32.
    let sum = !header.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 })
    });
    [
        &b"\x89PNG\r\n\x1a\n\0\0\0\x0d"[..],
        &header,
        &sum.to_be_bytes(),
        &[0, 0, 0, 0],
        b"IDAT",
        &[0x35, 0xaf, 0x06, 0x1e],
    ]
    .concat()
}

#[tokio::test]
async fn a_file_that_telegram_does_not_take_as_what_it_is_to_be_is_refused_whatever_its_name_says() {
    let herald = TestApp::api_only().await;
    let operator = herald.operator().await;
    let upload = async |name: &str, kind: &str, content: Vec<u8>| {
        let request = operator.request(reqwest::Method::POST, "/uploads");
        let request = request.header("content-disposition", format!("attachment; filename=\"{name}\""));
        let answer = request.header("content-type", kind).body(content).send().await.unwrap();
        answer.json::<Json>().await.unwrap()["id"].clone()
    };
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec();
    for (name, kind, content, taken) in [
        ("a.png", "image/png", png(700, 400), &["PHOTO", "DOCUMENT"][..]),
        ("a.png", "image/png", png(9_000, 1_001), &["DOCUMENT"]),
        ("a.png", "image/png", png(2_001, 100), &["DOCUMENT"]),
        ("a.png", "image/png", png(700, 400)[..20].to_vec(), &["DOCUMENT"]),
        ("a.jpg", "image/jpeg", b"hello".to_vec(), &["DOCUMENT"]),
        ("a.png", "image/png", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(), &["DOCUMENT"]),
        ("a.heic", "image/heic", heic, &["DOCUMENT"]),
        ("a.tiff", "image/tiff", b"II*\0 and so on".to_vec(), &["DOCUMENT"]),
        ("a.mp4", "video/mp4", b"<!doctype html><html></html>".to_vec(), &["DOCUMENT"]),
        ("a.mp4", "video/mp4", vec![1, 2, 3, 0, 5], &["DOCUMENT"]),
        ("a.bin", "application/octet-stream", b"\0\0\0\x18ftypisom\0\0\0\0isommp42".to_vec(), &["VIDEO", "DOCUMENT"]),
        ("a.pdf", "application/pdf", Vec::new(), &[]),
    ] {
        let id = upload(name, kind, content.clone()).await;
        for media in ["PHOTO", "VIDEO", "DOCUMENT"] {
            let input = json!({ "name": "x", "content": "x", "mediaType": media, "mediaUploadId": id });
            let told = operator.query(CREATE, json!({ "input": input })).await.violations();
            let expected: &[&str] = if taken.contains(&media) { &[] } else { &["input.mediaUploadId"] };
            assert_eq!(told, expected, "{name} of {} bytes as {media}", content.len());
        }
    }
}

#[tokio::test]
async fn a_template_in_use_stays() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let ids = channels(&admin, "tmpl", 1).await;
    let audience = batch(&admin, json!({ "name": "one", "channelIds": ids })).await["id"].clone();
    let (used, free) = (template(&admin, "Hi").await, template(&admin, "Ho").await);
    let campaign = campaign(&admin, &audience, &used).await;
    let reply = admin.query(DELETE, json!({ "id": used })).await;
    assert_eq!(
        (reply.code(), reply.message()),
        ("PRECONDITION_FAILED", "the template is used by the campaign \"Spring\"")
    );
    assert_eq!(admin.data(DELETE, json!({ "id": free })).await["deleteTemplate"]["deletedId"], free);
    let list = "{ templates(orderBy: { field: USAGE_COUNT, direction: DESC }) { nodes { id usageCount
        campaigns { nodes { id } totalCount } } } }";
    let list = admin.data(list, json!({})).await["templates"]["nodes"].clone();
    let expected =
        json!([{ "id": used, "usageCount": 1, "campaigns": { "nodes": [{ "id": campaign }], "totalCount": 1 } }]);
    assert_eq!(list, expected);
}

#[tokio::test]
async fn a_preview_is_what_the_channel_would_get() {
    let herald = TestApp::api_only().await;
    let admin = herald.admin().await;
    let untitled = channel(&admin, json!({ "username": "technews", "category": "tech" })).await;
    let titled = json!({ "username": "titled", "category": "x", "title": "Тех <новости> 😀", "memberCount": 7 });
    let titled = channel(&admin, titled).await;
    let id = template(&admin, "{{channel_name}} ({{ member_count }}): {{ offer }}").await;
    let preview =
        "query($channel: ID!, $id: ID, $content: String, $mode: ParseMode, $media: MediaType, $params: JSON) {
        previewTemplate(channelId: $channel, templateId: $id, content: $content, parseMode: $mode, mediaType: $media,
            params: $params) { text utf16Length limit fits placeholders missingPlaceholders
            entities { type offset length } } }";
    let show = async |variables: Json| admin.query(preview, variables).await;
    let missing = show(json!({ "channel": untitled, "id": id })).await.data()["previewTemplate"].clone();
    assert_eq!(
        (&missing["text"], &missing["fits"], &missing["missingPlaceholders"]),
        (&Json::Null, &Json::Null, &json!(["offer"]))
    );
    let given = json!({ "channel": untitled, "id": id, "params": { "offer": "−20 %" } });
    let given = show(given).await.data()["previewTemplate"].clone();
    assert_eq!(
        (&given["text"], &given["limit"], &given["fits"]),
        (&json!("technews (): −20 %"), &json!(4_096), &json!(true))
    );
    let html = json!({ "channel": titled, "content": "<b>{{ title }}</b>", "mode": "HTML", "media": "PHOTO" });
    let html = show(html).await.data()["previewTemplate"].clone();
    assert_eq!((&html["text"], &html["limit"]), (&json!("Тех <новости> 😀"), &json!(1_024)));
    assert_eq!(html["entities"], json!([{ "type": "BOLD", "offset": 0, "length": 16 }]));
    let open = json!({ "channel": titled, "content": "<b>{{ title }}", "mode": "HTML" });
    assert_eq!(show(open).await.message(), "<b> is not closed");
    let long = json!({ "channel": titled, "content": "😀".repeat(2_049) });
    let long = show(long).await.data()["previewTemplate"].clone();
    assert_eq!((&long["utf16Length"], &long["fits"]), (&json!(4_098), &json!(false)));

    let code = async |variables: Json| {
        let reply = show(variables).await;
        (reply.code().to_owned(), reply.violations().join(","))
    };
    assert_eq!(code(json!({ "channel": titled })).await, ("BAD_USER_INPUT".into(), "templateId".into()));
    let broken = json!({ "channel": titled, "content": "{% for" });
    assert_eq!(code(broken).await, ("BAD_USER_INPUT".into(), "content".into()));
    let wrong = json!({ "channel": titled, "content": "x", "params": { "a": [1] } });
    assert_eq!(code(wrong).await, ("BAD_USER_INPUT".into(), "params".into()));
}
