//! Chromium without a window, driven by the protocol of its developer tools: real clicks, real keys, and every request is seen.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::Client;
use super::needs::missing;

mod looks;

/// How long something is awaited.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with a profile of its own; it ends with the test.
pub struct Browser {
    child: Child,
    /// Where it is driven from, `127.0.0.1:port`.
    address: String,
    _profile: TempDir,
}

impl Browser {
    /// None if there is no Chromium on this machine.
    pub fn start() -> Option<Self> {
        let named = std::env::var("HERALD_TEST_CHROMIUM").ok().filter(|path| !path.is_empty());
        let profile = tempfile::tempdir().unwrap();
        let child = Command::new(named.unwrap_or_else(|| "chromium".into()))
            // Root may run it only without its sandbox; it sees no page but ours.
            .args(["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"])
            .args(["--disable-background-networking", "--disable-component-update", "--disable-default-apps"])
            .args(["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-port=0"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stderr(Stdio::piped())
            .spawn();
        let Ok(mut child) = child else {
            missing("chromium");
            return None;
        };
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("DevTools listening on ") {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before it listened");
        }
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.read_to_end(&mut Vec::new()));
        let address = line.split('/').nth(2).unwrap().to_owned();
        Some(Self { child, address, _profile: profile })
    }

    /// A new tab that shows `url`.
    pub async fn open(&self, url: &str) -> Tab {
        let devtools = Client::new(format!("http://{}", self.address));
        let target = devtools.request(reqwest::Method::PUT, "/json/new?about:blank").send().await.unwrap();
        let target: Json = target.json().await.unwrap();
        let (socket, _) =
            tokio_tungstenite::connect_async(target["webSocketDebuggerUrl"].as_str().unwrap()).await.unwrap();
        let mut tab = Tab { socket, calls: 0, requests: Vec::new(), complaints: Vec::new() };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        tab.go(url).await;
        tab
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A tab, and what was noticed in it.
pub struct Tab {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    calls: u64,
    /// The addresses that it asked for, by HTTP and WebSocket.
    requests: Vec<String>,
    /// Errors and warnings of its console, and what its scripts did not catch.
    complaints: Vec<String>,
}

impl Tab {
    pub async fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({ "url": url })).await;
        self.until("document.readyState === 'complete'").await;
    }

    /// The value of an expression of JavaScript.
    pub async fn value(&mut self, expression: &str) -> Json {
        let parameters = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let mut answer = self.call("Runtime.evaluate", parameters).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer:#}");
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, expression: &str) {
        let began = Instant::now();
        while self.value(&format!("Boolean({expression})")).await != true {
            if began.elapsed() > PATIENCE {
                let page = self.value("document.body.innerText").await;
                panic!("it did not come true that {expression}; {:?}; the page is\n{page}", self.complaints);
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the element's text is, or has in it, `text`.
    pub async fn reads(&mut self, selector: &str, text: &str) {
        self.until(&format!("document.querySelector({selector:?})?.innerText.includes({text:?})")).await;
    }

    /// Clicks the middle of an element, once it is there, can be clicked and stays where it is: what comes late moves it away from under
    /// the pointer.
    pub async fn click(&mut self, selector: &str) {
        // Something else at its middle covers it.
        let ready = format!(
            "(() => {{ const element = document.querySelector({selector:?}); if (!element || element.disabled) return null;
                element.scrollIntoView({{ block: 'center', behavior: 'instant' }});
                const {{ x, y, width, height }} = element.getBoundingClientRect();
                const hit = document.elementFromPoint(x + width / 2, y + height / 2);
                return element.contains(hit) ? [x + width / 2, y + height / 2] : null; }})()"
        );
        let mut middle = Json::Null;
        loop {
            self.until(&ready).await;
            let now = self.value(&ready).await;
            if now == middle && !now.is_null() {
                break;
            }
            middle = now;
            self.value("new Promise((done) => setTimeout(done, 60))").await;
        }
        for kind in ["mousePressed", "mouseReleased"] {
            let event = json!({ "type": kind, "x": middle[0], "y": middle[1], "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types `text` into a field, in place of what is there.
    pub async fn fill(&mut self, selector: &str, text: &str) {
        self.until(&format!("document.querySelector({selector:?})")).await;
        self.value(&format!("document.querySelector({selector:?}).select?.()")).await;
        self.value(&format!("document.querySelector({selector:?}).focus()")).await;
        self.call("Input.insertText", json!({ "text": text })).await;
    }

    /// Presses a key that has a name, such as `Tab`, `Enter` or `ArrowDown`, as often as told.
    pub async fn press(&mut self, key: &str, times: usize) {
        let (code, text) = match key {
            "Tab" => (9, ""),
            "Enter" => (13, "\r"),
            "ArrowDown" => (40, ""),
            " " => (32, " "),
            _ => panic!("{key} has no code here"),
        };
        for kind in ["keyDown", "keyUp"].repeat(times) {
            let mut event = json!({ "type": kind, "key": key, "windowsVirtualKeyCode": code });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Gives a field for files one of this disk, as its dialog does.
    pub async fn choose_file(&mut self, selector: &str, path: &std::path::Path) {
        self.until(&format!("document.querySelector({selector:?})")).await;
        let found = self
            .call("Runtime.evaluate", json!({ "expression": format!("document.querySelector({selector:?})") }))
            .await;
        let files = json!({ "files": [path], "objectId": found["result"]["objectId"] });
        self.call("DOM.setFileInputFiles", files).await;
    }

    /// Makes the page as large as a phone's.
    pub async fn on_a_phone(&mut self) {
        let phone = json!({ "width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true });
        self.call("Emulation.setDeviceMetricsOverride", phone).await;
    }

    /// Writes what is seen of the whole page to `name`.png in the folder of `HERALD_TEST_SCREENSHOTS`, if there is one: for people.
    pub async fn shot(&mut self, name: &str) {
        use base64::prelude::{BASE64_STANDARD, Engine};
        let Some(folder) = std::env::var_os("HERALD_TEST_SCREENSHOTS") else { return };
        let whole = json!({ "format": "png", "captureBeyondViewport": true });
        let shot = self.call("Page.captureScreenshot", whole).await;
        let bytes = BASE64_STANDARD.decode(shot["data"].as_str().unwrap()).unwrap();
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    /// Fails if something was complained about, or asked for elsewhere than at `origin`. Forgets what was noticed.
    pub async fn assert_clean(&mut self, origin: &str) {
        self.value("1").await; // what was noticed before it has come by then
        assert_eq!(std::mem::take(&mut self.complaints), Vec::<String>::new());
        let requests = std::mem::take(&mut self.requests);
        let socket = origin.replacen("http", "ws", 1);
        let is_ours = |url: &String| url.starts_with(origin) || url.starts_with(&socket) || url.starts_with("data:");
        let outside: Vec<_> = requests.iter().filter(|url| !is_ours(url)).collect();
        assert!(outside.is_empty() && !requests.is_empty(), "{outside:?}");
    }

    /// One call of the protocol; what is noticed meanwhile is kept.
    async fn call(&mut self, method: &str, parameters: Json) -> Json {
        self.calls += 1;
        let call = json!({ "id": self.calls, "method": method, "params": parameters });
        self.socket.send(Message::text(call.to_string())).await.unwrap();
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("it answers in time");
            let Message::Text(text) = message.expect("the tab lives").unwrap() else { continue };
            let mut message: Json = serde_json::from_str(&text).unwrap();
            if message["id"] == self.calls {
                let error = message["error"]["message"].as_str().unwrap_or_default();
                if method == "Runtime.evaluate" && error.contains("navigated or closed") {
                    // A page that is just going away has no values; who waits for one asks again.
                    return json!({ "result": { "value": null } });
                }
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.notice(&message);
        }
    }

    fn notice(&mut self, message: &Json) {
        let happened = &message["params"];
        let is_bad = |level: &Json| level == "error" || level == "warning";
        let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let (requests, complaints) = (&mut self.requests, &mut self.complaints);
        match message["method"].as_str().unwrap_or_default() {
            "Network.requestWillBeSent" => requests.push(text(&happened["request"]["url"])),
            "Network.webSocketCreated" => requests.push(text(&happened["url"])),
            "Runtime.exceptionThrown" => complaints.push(happened["exceptionDetails"].to_string()),
            "Runtime.consoleAPICalled" if is_bad(&happened["type"]) => complaints.push(happened["args"].to_string()),
            "Log.entryAdded" if is_bad(&happened["entry"]["level"]) => complaints.push(happened["entry"].to_string()),
            _ => {}
        }
    }
}
