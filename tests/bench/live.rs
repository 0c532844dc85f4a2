//! Messages over MTProto, by many accounts of one process, beside a loop that does nothing but send: the floor.
//!
//! `cargo bench --bench live`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file. `ACCOUNTS`: 200
//! by default. `MESSAGES`: 20,000 by default. Prints one line of JSON. Both look up each recipient and write to it once; the
//! server is the suite's own, in a process of its own on the loopback. Rates are from the first message to the last, CPU is
//! the sender's own, a message, in microseconds.

#![expect(clippy::unwrap_used, reason = "a benchmark that meets an error ends")]

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;
#[expect(dead_code, unused_imports, reason = "the suite needs more of it")]
#[path = "../suite/harness/telegram/mod.rs"]
mod telegram_server;
#[path = "../suite/harness/within.rs"]
mod within;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::broadcast::ProgressStatus;
use futures_util::future::{BoxFuture, join_all};
use grammers_mtsender::{SenderPool, SenderPoolFatHandle};
use grammers_session::SessionData;
use grammers_session::storages::MemorySession;
use grammers_session::types::DcOption;
use grammers_tl_types::{enums, functions as f, types};
use providers::{Contact, Outcome, Receipt, Sender};
use sea_orm::{EntityTrait, IntoActiveModel};
use service::broadcast::campaign;
use service::testing;
use storage::broadcast::{job, progress, telegram_account};
use support::{Bench, number};
use telegram::Nobody;
use worker::{Tools, Worker};

use self::telegram_server::TelegramServer;
use self::within::within;

/// Where this program is told to be the server, with so many accounts.
const SERVER: &str = "HERALD_BENCH_TELEGRAM";

/// The data centre at which the accounts are.
const DC: i32 = 2;

/// This bench has no leads.
struct NoContacts;

impl Sender for NoContacts {
    fn send(&self, _: Contact) -> BoxFuture<'_, Outcome> {
        Box::pin(std::future::ready(Outcome::Accepted(Receipt::default())))
    }
}

/// The server, in a process of its own; it ends with this value.
struct Server {
    process: Child,
    address: String,
    keys: Vec<[u8; 256]>,
}

/// What one of the two did.
struct Figures {
    per_second: f64,
    cpu_us: f64,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    if let Ok(accounts) = std::env::var(SERVER) {
        return serve(accounts.parse()?).await;
    }
    let (accounts, messages) =
        (usize::try_from(number("ACCOUNTS", 200))?, usize::try_from(number("MESSAGES", 20_000))?);
    let floor = bare(accounts, messages).await?;
    let (herald, database) = herald(accounts, messages).await?;
    println!(
        "{}",
        serde_json::json!({
            "bench": "live",
            "database": database,
            "accounts": accounts,
            "messages": messages,
            "messages_per_s": herald.per_second.round(),
            "floor_per_s": floor.per_second.round(),
            "of_floor": (herald.per_second / floor.per_second * 100.0).round() / 100.0,
            "cpu_us": herald.cpu_us.round(),
            "floor_cpu_us": floor.cpu_us.round(),
            "load_1m": support::load()?,
        })
    );
    Ok(())
}

/// Plays Telegram until nobody holds this process's input any more.
async fn serve(accounts: usize) -> anyhow::Result<()> {
    let server = TelegramServer::start(accounts).await;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", server.address())?;
    for account in 0..accounts {
        writeln!(out, "{}", STANDARD.encode(&server.credentials(account).key[..]))?;
    }
    out.flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new())).await??;
    Ok(())
}

impl Server {
    fn start(accounts: usize) -> anyhow::Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .env(SERVER, accounts.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let address = lines.next().unwrap()?;
        let key = |line: std::io::Result<String>| anyhow::Ok(STANDARD.decode(line?)?.try_into().unwrap());
        let keys = lines.take(accounts).map(key).collect::<anyhow::Result<_>>()?;
        Ok(Self { process, address, keys })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Connections of the protocol's library, each with a loop that looks up and writes, and nothing else.
async fn bare(accounts: usize, messages: usize) -> anyhow::Result<Figures> {
    let server = Server::start(accounts)?;
    let handles: Vec<_> = server.keys.iter().map(|key| connect(&server.address, *key)).collect();
    for handle in &handles {
        let query = f::users::GetUsers { id: vec![enums::InputUser::UserSelf] };
        handle.invoke_in_dc(DC, &f::InvokeWithoutUpdates { query }).await?;
    }
    let next = Arc::new(AtomicUsize::new(0));
    let (began, cpu) = (Instant::now(), cpu_seconds()?);
    let loops = handles.iter().map(|handle| tokio::spawn(send_all(handle.clone(), next.clone(), messages)));
    for ended in join_all(loops).await {
        ended??;
    }
    let figures = figures(messages, began.elapsed(), cpu)?;
    for handle in handles {
        handle.quit();
    }
    Ok(figures)
}

fn connect(address: &str, key: [u8; 256]) -> SenderPoolFatHandle {
    let ipv4: std::net::SocketAddrV4 = address.parse().unwrap();
    let ipv6 = std::net::SocketAddrV6::new(ipv4.ip().to_ipv6_mapped(), ipv4.port(), 0, 0);
    let home = DcOption { id: DC, ipv4, ipv6, auth_key: Some(key) };
    let data = SessionData { home_dc: DC, dc_options: [(DC, home)].into(), ..SessionData::default() };
    let SenderPool { runner, handle, mut updates } = SenderPool::new(Arc::new(MemorySession::from(data)), 1);
    tokio::spawn(runner.run());
    tokio::spawn(async move { while updates.recv().await.is_some() {} });
    handle
}

async fn send_all(by: SenderPoolFatHandle, next: Arc<AtomicUsize>, messages: usize) -> anyhow::Result<()> {
    loop {
        let n = next.fetch_add(1, Ordering::Relaxed);
        if n >= messages {
            return Ok(());
        }
        let request = f::contacts::ResolveUsername { username: format!("bare_{n}"), referer: None };
        let enums::contacts::ResolvedPeer::Peer(found) = by.invoke_in_dc(DC, &request).await?;
        let Some(enums::Chat::Channel(channel)) = found.chats.into_iter().next() else { anyhow::bail!("no channel") };
        let peer = types::InputPeerChannel { channel_id: channel.id, access_hash: channel.access_hash.unwrap() };
        let query = message(peer.into(), i64::try_from(n)? + 1);
        by.invoke_in_dc(DC, &f::InvokeWithoutUpdates { query }).await?;
    }
}

fn message(peer: enums::InputPeer, random_id: i64) -> f::messages::SendMessage {
    f::messages::SendMessage {
        no_webpage: false,
        silent: false,
        background: false,
        clear_draft: false,
        noforwards: false,
        update_stickersets_order: false,
        invert_media: false,
        allow_paid_floodskip: false,
        peer,
        reply_to: None,
        message: "Hello".into(),
        random_id,
        reply_markup: None,
        entities: None,
        schedule_date: None,
        schedule_repeat_period: None,
        send_as: None,
        quick_reply_shortcut: None,
        effect: None,
        allow_paid_stars: None,
        suggested_post: None,
        rich_message: None,
    }
}

/// The same by Herald; also the kind of database.
async fn herald(accounts: usize, messages: usize) -> anyhow::Result<(Figures, &'static str)> {
    let server = Server::start(accounts)?;
    let mut bench = Bench::open().await?;
    let mut rules = (*bench.on.rules).clone();
    rules.is_simulated = false;
    rules.telegram.server = Some(server.address.as_str().into());
    bench.on.rules = Arc::new(rules);
    let now = bench.on.now();
    let user = |n: usize| 7_000_000_000 + i64::try_from(n).unwrap();
    let account = |(n, key): (usize, &[u8; 256])| testing::account(&format!("{n}"), user(n), key, &bench.on.vault, now);
    let rows: Vec<_> = server.keys.iter().enumerate().map(account).collect();
    let rows = &rows;
    let insert = bench.on.db.write(|tx| async move {
        for part in rows.chunks(50) {
            let part = part.iter().cloned().map(IntoActiveModel::into_active_model);
            telegram_account::Entity::insert_many(part).exec_without_returning(&*tx).await?;
        }
        Ok(())
    });
    insert.await?;
    let actor = bench.admin().await?;
    let id = bench.campaign(&actor, i32::try_from(messages)?, 1_000_000).await?;
    campaign::start(&bench.on, &actor, id).await?;
    let worker = Worker::start(Tools {
        on: bench.on.clone(),
        beats: bench.on.db.clone(),
        messenger: Arc::new(Nobody),
        contacts: Arc::new(NoContacts),
        neighbour: Arc::new(|_| ()),
    });
    let row = async || anyhow::Ok(progress::Entity::find_by_id(id).one(bench.on.db.reader()).await?.unwrap());
    while row().await?.sent == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let cpu = cpu_seconds()?;
    while row().await?.status != ProgressStatus::Completed {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let jobs = job::Entity::of(id).all(bench.on.db.reader()).await?;
    anyhow::ensure!(jobs.iter().all(|job| job.sent_at.is_some()), "not everything was sent");
    let first = jobs.iter().filter_map(|job| job.started_at).min().unwrap();
    let last = jobs.iter().filter_map(|job| job.sent_at).max().unwrap();
    let figures = figures(messages, (last - first).to_std()?, cpu)?;
    worker.stop().await;
    let database = bench.database();
    bench.close().await?;
    Ok((figures, database))
}

/// Of so many messages in such a time, since this process had used so much CPU.
fn figures(messages: usize, took: Duration, cpu: f64) -> anyhow::Result<Figures> {
    let messages = f64::from(u32::try_from(messages)?);
    Ok(Figures { per_second: messages / took.as_secs_f64(), cpu_us: (cpu_seconds()? - cpu) * 1e6 / messages })
}

/// The seconds of CPU that this process has used, to a hundredth.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(") ").unwrap().1.split(' ').skip(11).take(2);
    let ticks: u32 = fields.map(|field| field.parse::<u32>().unwrap()).sum();
    Ok(f64::from(ticks) / 100.0)
}
