//! What bad use costs those who behave: a server in a process of its own, one client that asks again and again on new
//! connections, and beside it those who mean harm.
//!
//! `cargo bench --bench abuse`. `DATABASE_URL`: an empty PostgreSQL database, or none for a fresh SQLite file. `SOCKETS`: those
//! that open and never speak, 10,000 by default. `DURATION_S`: how long each attack lasts, 6 by default. Prints one line of JSON
//! an attack, the first without any: `p50_ms` and `p99_ms` are the behaving client's, connecting included; `peak_rss_mb` is the
//! server's alone; `refused` are the answers that the attackers got, `refused_p99_ms` how long these took.

#[expect(dead_code, reason = "other benchmarks need more of it")]
mod support;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::{Value as Json, json};
use support::client::Client;
use support::{number, percentile};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

const PASSWORD: &str = "a password of some length";
/// What the client that behaves asks.
const READ: &str = "{ viewer { id username } broadcastCampaigns(first: 20) { nodes { id name } } }";
/// How long it waits between two requests.
const PAUSE: Duration = Duration::from_millis(5);
/// Attackers that work at the same time.
const ATTACKERS: usize = 8;
/// Of a body that nobody should send.
const LARGE_BODY: usize = 32 << 20;
/// Silent sockets that are opened at the same time.
const AT_ONCE: usize = 100;

#[tokio::main]
async fn main() -> Result<()> {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit)?;
    let victim = Victim::start()?;
    let token = victim.sign_in().await?;
    let duration = Duration::from_secs(number("DURATION_S", 6).max(1));

    let nothing = async |_: &AtomicBool| Ok(Vec::new());
    victim.measure("none", &token, duration, nothing).await?;
    let sockets = usize::try_from(number("SOCKETS", 10_000))?;
    let silent = async |_: &AtomicBool| be_silent(victim.address, sockets).await;
    victim.measure("sockets that open and never speak", &token, duration, silent).await?;
    for (name, query) in [("bombs of 24 fragments", bomb(24)), ("documents of 1,000 aliases", aliases(1_000))] {
        let body = json!({ "query": query }).to_string();
        let refused = async |ends: &AtomicBool| refuse(victim.address, &token, &body, ends).await;
        victim.measure(name, &token, duration, refused).await?;
    }
    let bodies = async |ends: &AtomicBool| send_large(victim.address, ends).await;
    victim.measure("bodies of 32 MiB", &token, duration, bodies).await
}

/// The server that is attacked.
struct Victim {
    process: Child,
    address: SocketAddr,
    /// Removed after the process has ended.
    _folder: tempfile::TempDir,
}

impl Victim {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_herald"));
        command.args(["serve", "--listen=127.0.0.1:0", "--telegram=simulated", "--log=error"]);
        command.arg(format!("--data-dir={}", folder.path().display())).env("HERALD_ADMIN_PASSWORD", PASSWORD);
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(process.stdout.take().context("it has an output")?).lines();
        let address = loop {
            let line = lines.next().context("it ended before it served")??;
            let url = line.split_whitespace().find_map(|word| word.strip_prefix("http://")?.strip_suffix("/graphql"));
            if let Some(address) = url {
                break address.parse()?;
            }
        };
        std::thread::spawn(move || lines.count());
        Ok(Self { process, address, _folder: folder })
    }

    async fn sign_in(&self) -> Result<String> {
        let query = "mutation($input: LoginInput!) { login(input: $input) { accessToken } }";
        let input = json!({ "username": "admin", "password": PASSWORD });
        let body = json!({ "query": query, "variables": { "input": input } }).to_string();
        let mut nobody = Client::unknown(self.address).await?;
        let answer: Json = serde_json::from_slice(nobody.post(&body).await?)?;
        let token = answer.pointer("/data/login/accessToken").and_then(Json::as_str);
        token.map(Into::into).with_context(|| format!("not signed in: {answer}"))
    }

    /// Runs an attack, which returns the milliseconds of each refusal, beside the client that behaves, for `duration` or until
    /// the attack ends, whichever is later.
    async fn measure(
        &self,
        attack: &str,
        token: &str,
        duration: Duration,
        run: impl AsyncFnOnce(&AtomicBool) -> Result<Vec<f64>>,
    ) -> Result<()> {
        let (until, ends, attacked) = (Instant::now() + duration, AtomicBool::new(false), AtomicBool::new(false));
        self.forget_peak()?;
        let behaves = async {
            let mut times = Vec::new();
            while Instant::now() < until || !attacked.load(Ordering::Relaxed) {
                let began = Instant::now();
                let mut client = Client::connect(self.address, token).await?;
                let answer = client.post(&json!({ "query": READ }).to_string()).await?;
                ensure!(answer.starts_with(b"{\"data\":{"), "{}", String::from_utf8_lossy(answer));
                times.push(began.elapsed().as_secs_f64() * 1_000.0);
                if Instant::now() >= until {
                    ends.store(true, Ordering::Relaxed);
                }
                tokio::time::sleep(PAUSE).await;
            }
            Ok(times)
        };
        let attacks = async {
            let refused = run(&ends).await;
            attacked.store(true, Ordering::Relaxed);
            refused
        };
        let (times, refused) = futures_util::try_join!(behaves, attacks)?;
        let line = json!({
            "bench": "abuse",
            "attack": attack,
            "requests": times.len(),
            "p50_ms": percentile(&times, 50),
            "p99_ms": percentile(&times, 99),
            "refused": refused.len(),
            "refused_p99_ms": percentile(&refused, 99),
            "peak_rss_mb": self.peak_rss_mb()?,
            "load_1m": support::load()?,
        });
        println!("{line}");
        Ok(())
    }

    /// From now on the peak is that of what follows; Linux keeps it (proc(5), `clear_refs`).
    fn forget_peak(&self) -> Result<()> {
        Ok(std::fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5")?)
    }

    fn peak_rss_mb(&self) -> Result<u64> {
        support::peak_rss_mb_of(&self.process.id().to_string())
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Opens WebSockets and says nothing, until the server has closed them all.
async fn be_silent(server: SocketAddr, sockets: usize) -> Result<Vec<f64>> {
    let mut waiting = Vec::new();
    for begun in (0..sockets).step_by(AT_ONCE) {
        let some = (begun..sockets.min(begun + AT_ONCE)).map(async |number| {
            let mut stream = from_elsewhere(server, number).await?;
            let request = format!(
                "GET /graphql HTTP/1.1\r\nHost: {server}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await?;
            Ok::<_, anyhow::Error>((Instant::now(), stream))
        });
        waiting.extend(try_join_all(some).await?);
    }
    let closed = waiting.into_iter().map(async |(began, mut stream)| {
        let mut heard = Vec::new();
        stream.read_to_end(&mut heard).await?;
        Ok::<_, anyhow::Error>(began.elapsed().as_secs_f64() * 1_000.0)
    });
    try_join_all(closed).await
}

/// Many guests with addresses of their own, ten of them here.
async fn from_elsewhere(server: SocketAddr, number: usize) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(format!("127.0.0.{}:0", 2 + number % 10).parse()?)?;
    Ok(socket.connect(server).await?)
}

/// Sends a body that is refused, again and again.
async fn refuse(server: SocketAddr, token: &str, body: &str, ends: &AtomicBool) -> Result<Vec<f64>> {
    let attackers = (0..ATTACKERS).map(async |_| {
        let mut client = Client::connect(server, token).await?;
        let mut times = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            let began = Instant::now();
            let answer = client.post(body).await?;
            ensure!(answer.starts_with(b"{\"errors\":[{"), "{}", String::from_utf8_lossy(answer));
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok(times)
    });
    Ok(try_join_all(attackers).await?.concat())
}

/// Sends bodies that are far too large, for as long as somebody reads them.
async fn send_large(server: SocketAddr, ends: &AtomicBool) -> Result<Vec<f64>> {
    let chunk = vec![b' '; 64 << 10];
    let attackers = (0..ATTACKERS).map(async |_| {
        let mut times = Vec::new();
        while !ends.load(Ordering::Relaxed) {
            let began = Instant::now();
            let mut stream = TcpStream::connect(server).await?;
            let head = format!(
                "POST /graphql HTTP/1.1\r\nHost: {server}\r\nContent-Type: application/json\r\nContent-Length: {LARGE_BODY}\r\n\r\n"
            );
            stream.write_all(head.as_bytes()).await?;
            let (mut reader, mut writer) = stream.split();
            let sends = async {
                for _ in 0..LARGE_BODY / chunk.len() {
                    // The server closes when it has read enough, and that is no error here.
                    if writer.write_all(&chunk).await.is_err() {
                        break;
                    }
                }
                std::future::pending::<()>().await;
            };
            let mut answer = [0; 12];
            let reads = reader.read_exact(&mut answer);
            tokio::select! { read = reads => drop(read?), () = sends => {} }
            ensure!(answer == *b"HTTP/1.1 413", "{}", String::from_utf8_lossy(&answer));
            times.push(began.elapsed().as_secs_f64() * 1_000.0);
        }
        Ok::<_, anyhow::Error>(times)
    });
    Ok(try_join_all(attackers).await?.concat())
}

/// So many fragments, each spreading the next one twice.
fn bomb(fragments: usize) -> String {
    let spread = |n: usize| format!("fragment f{n} on Query{{...f{} ...f{}}}", n + 1, n + 1);
    let chain: String = (0..fragments).map(spread).collect();
    format!("{{...f0}}{chain}fragment f{fragments} on Query{{__typename}}")
}

fn aliases(count: usize) -> String {
    let fields: Vec<String> = (0..count).map(|n| format!("a{n}: viewer {{ id }}")).collect();
    format!("{{ {} }}", fields.join(" "))
}
