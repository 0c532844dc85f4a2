//! What comes before a campaign: the list goes in, and a batch, a template and a campaign are made.

use anyhow::{Context, Result, anyhow, bail};
use indicatif::HumanCount;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use super::board::Board;
use super::client::Api;
use super::house::House;
use super::list;
use super::socket::Told;

/// Messages a minute.
pub const RATE: u32 = 6_000;
/// Retries of a message after a failure that may pass.
pub const RETRIES: u32 = 2;

/// The file with the list.
const LIST: &str = "demo-channels.jsonl";
/// Errors of the import that are shown.
const SHOWN: usize = 4;

const MESSAGE: &str = "Здравствуйте, {{ channel_name }}!\n\
    Вы пишете про «{{ category }}». {{ offer | default(\"Загляните в наш каталог: вам понравится.\") }}\n\
    Выпуск {{ issue }}";

const IMPORT: &str =
    "mutation Import($input: ImportChannelsInput!) { importChannels(input: $input) { import { id } } }";
const IMPORTED: &str = "subscription Imported($id: ID!) { channelImportProgress(id: $id) {
    status lines inserted duplicates invalid bytesRead bytesTotal errorMessage } }";
const IMPORT_ERRORS: &str = "query ImportErrors($id: ID!) { channelImport(id: $id) { errors { line message } } }";
const FIND: &str = "query Find($filter: ChannelFilter) { channels(first: 1, filter: $filter) { nodes { id } } }";
const NAME: &str = "mutation Name($input: UpdateChannelInput!) { updateChannel(input: $input) { channel { title } } }";
const NOW: &str = "{ serverInfo { now } }";
const BATCH: &str = "mutation Batch($input: CreateBatchInput!) { createBatch(input: $input) {
    batch { id name channelCount } } }";
const TEMPLATE: &str = "mutation Template($input: CreateTemplateInput!) { createTemplate(input: $input) {
    template { id name placeholders } } }";
const PREVIEW: &str = "query Preview($channel: ID!, $template: ID!, $params: JSON) {
    previewTemplate(channelId: $channel, templateId: $template, params: $params) { text utf16Length limit } }";
const CAMPAIGN: &str = "mutation Campaign($input: CreateBroadcastCampaignInput!) {
    createBroadcastCampaign(input: $input) { campaign { id name totalJobs } } }";

/// A campaign that is ready to start.
#[derive(Clone)]
pub struct Campaign {
    /// The campaign's id.
    pub id: String,
    /// The words that stand in each of its messages, and in no other campaign's.
    pub issue: String,
    batch: String,
    template: String,
}

/// Writes the list, uploads it, imports it, and shows what became of it.
pub async fn channels(api: &Api, house: &House, board: &Board) -> Result<()> {
    let (text, path) = (list::jsonl(), house.data_dir.join(LIST));
    std::fs::write(&path, &text).with_context(|| format!("{} can't be written", path.display()))?;
    let upload = api.upload(text.into_bytes()).await.context("the upload failed")?;
    board.item("list", &format!("{LIST} in the data folder, uploaded by POST /uploads"));
    let answer = api.ask(IMPORT, json!({ "input": { "uploadId": upload } })).await.context("the import was refused")?;
    let id: String = field(&answer, "/importChannels/import/id")?;
    let ended = watch_import(api, board, &id).await?;
    let count = |name: &str| HumanCount(ended[name].as_u64().unwrap_or_default());
    if ended["status"] != "COMPLETED" {
        bail!("the import failed: {}", ended["errorMessage"].as_str().unwrap_or("nobody says why"));
    }
    board.item(
        "import",
        &format!(
            "{} lines: {} new channels, {} known already, {} not understood",
            count("lines"),
            count("inserted"),
            count("duplicates"),
            count("invalid"),
        ),
    );
    let answer = api.ask(IMPORT_ERRORS, json!({ "id": id })).await?;
    let errors: Vec<Json> = field(&answer, "/channelImport/errors")?;
    for error in errors.iter().take(SHOWN) {
        board.more(&format!("line {}: {}", error["line"], error["message"].as_str().unwrap_or_default()));
    }
    if errors.len() > SHOWN {
        board.more(&format!("and {} more", errors.len() - SHOWN));
    }
    Ok(())
}

/// The import's last state.
async fn watch_import(api: &Api, board: &Board, id: &str) -> Result<Json> {
    let mut socket = api.socket().await?;
    socket.subscribe("import", IMPORTED, json!({ "id": id })).await?;
    let bar = board.import();
    let mut last = Json::Null;
    while let Told::Next(_, mut data) = socket.next().await? {
        last = data["channelImportProgress"].take();
        let bytes = |name: &str| last[name].as_str().and_then(|bytes| bytes.parse().ok());
        bar.set_length(bytes("bytesTotal").unwrap_or_default());
        bar.set_position(bytes("bytesRead").unwrap_or_default());
    }
    bar.finish_and_clear();
    Ok(last)
}

/// Makes a batch, a template and a campaign of them, under names that no earlier demonstration has used.
pub async fn campaign(api: &Api, board: &Board) -> Result<Campaign> {
    let answer = api.ask(NOW, json!({})).await?;
    let now: String = field(&answer, "/serverInfo/now")?;
    let issue = now.replace('T', " ").trim_end_matches('Z').to_owned();
    let titled = name_channels(api).await?;

    let input = json!({ "name": format!("Каналы, {issue}"), "filter": { "usernameContains": list::MARK } });
    let answer = api.ask(BATCH, json!({ "input": input })).await.context("the batch was refused")?;
    let batch: String = field(&answer, "/createBatch/batch/id")?;
    let size: u64 = field(&answer, "/createBatch/batch/channelCount")?;
    board.item("batch", &format!("«Каналы, {issue}»: {} channels", HumanCount(size)));

    let input = json!({ "name": format!("Приглашение, {issue}"), "content": MESSAGE });
    let answer = api.ask(TEMPLATE, json!({ "input": input })).await.context("the template was refused")?;
    let template: String = field(&answer, "/createTemplate/template/id")?;
    board.item("template", &format!("«Приглашение, {issue}»; to one channel:"));
    let params = json!({ "issue": issue });
    let preview = json!({ "channel": titled, "template": template, "params": params });
    let text: String = field(&api.ask(PREVIEW, preview).await?, "/previewTemplate/text")?;
    text.lines().for_each(|line| board.more(&format!("| {line}")));

    let name = format!("Рассылка, {issue}");
    let input = json!({
        "name": name, "batchId": batch, "templateId": template, "params": params,
        "mode": "LIVE", "deliveryRate": RATE, "retryLimit": RETRIES,
    });
    let answer = api.ask(CAMPAIGN, json!({ "input": input })).await.context("the campaign was refused")?;
    let id = field(&answer, "/createBroadcastCampaign/campaign/id")?;
    let jobs: u64 = field(&answer, "/createBroadcastCampaign/campaign/totalJobs")?;
    let (jobs, rate) = (HumanCount(jobs), HumanCount(RATE.into()));
    board.item("campaign", &format!("«{name}»"));
    board.more(&format!("{jobs} active channels, {rate} messages a minute, {RETRIES} retries"));
    Ok(Campaign { id, issue, batch, template })
}

/// The same to the same channels, slower; returns its id.
pub async fn next_issue(api: &Api, before: &Campaign, rate: u32) -> Result<String> {
    let issue = format!("{}, II", before.issue);
    let input = json!({
        "name": format!("Рассылка, {issue}"), "batchId": before.batch, "templateId": before.template,
        "params": { "issue": issue }, "mode": "LIVE", "deliveryRate": rate, "retryLimit": RETRIES,
    });
    let answer = api.ask(CAMPAIGN, json!({ "input": input })).await.context("the campaign was refused")?;
    field(&answer, "/createBroadcastCampaign/campaign/id")
}

/// Gives some channels a title; returns the id of the first.
async fn name_channels(api: &Api) -> Result<String> {
    let mut first = None;
    for (number, title) in list::TITLES {
        let find = json!({ "filter": { "usernameContains": list::username(number) } });
        let id: String = field(&api.ask(FIND, find).await?, "/channels/nodes/0/id")?;
        api.ask(NAME, json!({ "input": { "id": id, "title": title } })).await?;
        first.get_or_insert(id);
    }
    first.ok_or_else(|| anyhow!("the list has no titles"))
}

/// The value at `path` of an answer.
pub fn field<T: DeserializeOwned>(answer: &Json, path: &str) -> Result<T> {
    let found = answer.pointer(path).with_context(|| format!("the answer has no {path}: {answer}"))?;
    T::deserialize(found).with_context(|| format!("{path} of the answer is not as expected: {found}"))
}
