//! The picture of the dashboard in the README, taken of the demonstration: `UPDATE_PICTURES=1 cargo test --test suite picture`.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use super::sign_in;
use crate::harness::{Browser, PASSWORD, herald};

const SCHEMES: [&str; 2] = ["light", "dark"];

fn path(scheme: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!(".github/dashboard-{scheme}.png"))
}

/// The demonstration, which ends with this.
struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// A demonstration that has just begun, and where it is.
fn demo(folder: &Path) -> (Demo, String) {
    let mut command = herald("demo");
    command.env("HERALD_DATA_DIR", folder).env("HERALD_ADMIN_PASSWORD", PASSWORD);
    let mut child = command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let url = lines.find_map(|line| Some(line.unwrap().split_once("http://")?.1.trim().to_owned())).unwrap();
    std::thread::spawn(move || lines.for_each(drop)); // what it says later must not fill the pipe
    (Demo(child), format!("http://{url}"))
}

/// A campaign that is half through, in both schemes.
async fn take(browser: &Browser) {
    let folder = tempfile::tempdir().unwrap();
    let (_demo, url) = demo(folder.path());
    let mut tab = browser.open(&format!("{url}/#/campaigns")).await;
    sign_in(&mut tab, "admin").await;
    tab.click(".campaigns a").await;
    tab.until("parseInt(document.querySelector('.far .big')?.textContent) >= 60").await;
    for scheme in SCHEMES {
        std::fs::create_dir_all(path(scheme).parent().unwrap()).unwrap();
        std::fs::write(path(scheme), tab.picture(scheme).await).unwrap();
    }
}

#[tokio::test]
async fn the_readme_shows_the_dashboard_in_both_schemes() {
    if std::env::var_os("UPDATE_PICTURES").is_some() {
        let Some(browser) = Browser::start() else { return };
        take(&browser).await;
    }
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    for scheme in SCHEMES {
        assert!(readme.contains(&format!(".github/dashboard-{scheme}.png")), "the README does not show {scheme}");
        let picture = std::fs::read(path(scheme)).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() < 300_000, "{scheme}: {} bytes", picture.len());
    }
}
