//! A real IMAP server on loopback, with a mailbox of its own; it runs as nobody in particular.

use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::{eventually, missing};

/// The user and the group that whoever runs the tests as root gives it.
const NOBODY: u32 = 65_534;
/// The password of every mailbox.
pub const PASSWORD: &str = "the-right-one";

/// The server. It ends with the test.
pub struct Dovecot {
    child: Option<Child>,
    folder: TempDir,
    pub port: u16,
    /// Where it speaks TLS from the first byte, if it does.
    pub tls_port: u16,
    mails: std::cell::Cell<u32>,
}

impl Dovecot {
    /// One with the mailbox `inbox`; None where it is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(None).await
    }

    /// One that has TLS too, by a certificate that it has made for `localhost`, and takes the tokens of which the server at this address
    /// says at `/introspect` that they are good.
    pub async fn private(tokens: &str) -> Option<Self> {
        Self::start_with(Some(tokens)).await
    }

    async fn start_with(tokens: Option<&str>) -> Option<Self> {
        if !program().exists() {
            missing("dovecot");
            return None;
        }
        let folder = tempfile::Builder::new().prefix("herald-imap").tempdir_in("/tmp").unwrap();
        for inside in ["run", "inbox/new", "inbox/cur", "inbox/tmp"] {
            std::fs::create_dir_all(folder.path().join(inside)).unwrap();
        }
        // Free until the server takes it: nobody else binds it in between, as far as can be.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let tls_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { child: None, folder, port, tls_port, mails: std::cell::Cell::new(0) };
        let private = tokens.map(|tokens| server.make_private(tokens)).unwrap_or_default();
        std::fs::write(server.path("conf"), server.settings() + &private).unwrap();
        std::fs::set_permissions(server.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        for inside in ["", "run", "conf", "inbox", "inbox/new", "inbox/cur", "inbox/tmp"] {
            own(&server.path(inside));
        }
        server.run().await;
        Some(server)
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    /// The certificate that it shows.
    pub fn certificate(&self) -> PathBuf {
        self.path("cert.pem")
    }

    /// Makes a certificate, and returns the settings with which it is shown and tokens are taken.
    fn make_private(&self, tokens: &str) -> String {
        let wanted = "[req]\ndistinguished_name = dn\nx509_extensions = ext\nprompt = no\n[dn]\nCN = localhost\n[ext]\n\
            basicConstraints = critical,CA:FALSE\nsubjectAltName = DNS:localhost\n";
        std::fs::write(self.path("wanted"), wanted).unwrap();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-config"])
            .arg(self.path("wanted"))
            .arg("-keyout")
            .arg(self.path("key.pem"))
            .arg("-out")
            .arg(self.certificate())
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let oauth = format!(
            "introspection_mode = post\nintrospection_url = {tokens}/introspect\nusername_attribute = username\n\
            active_attribute = active\nactive_value = true\n"
        );
        std::fs::write(self.path("oauth"), oauth).unwrap();
        for inside in ["cert.pem", "key.pem", "oauth"] {
            own(&self.path(inside));
        }
        let folder = self.folder.path().display();
        format!(
            "ssl = yes\nssl_cert = <{folder}/cert.pem\nssl_key = <{folder}/key.pem\nauth_mechanisms = plain login xoauth2\n\
            passdb {{\n driver = oauth2\n mechanisms = xoauth2\n args = {folder}/oauth\n}}\n\
            service imap-login {{\n inet_listener imaps {{\n  port = {}\n  ssl = yes\n }}\n}}\n",
            self.tls_port
        )
    }

    fn settings(&self) -> String {
        let folder = self.folder.path().display();
        let (user, group) = if is_root() { ("nobody".into(), "nogroup".into()) } else { (id("-un"), id("-gn")) };
        format!(
            "base_dir = {folder}/run\nstate_dir = {folder}/run\nprotocols = imap\nlisten = 127.0.0.1\nssl = no\n\
            disable_plaintext_auth = no\nlog_path = {folder}/log\nfirst_valid_uid = 1\nfirst_valid_gid = 1\n\
            default_internal_user = {user}\ndefault_internal_group = {group}\ndefault_login_user = {user}\n\
            auth_failure_delay = 0\nmail_location = maildir:{folder}/%n\n\
            service anvil {{\n chroot =\n}}\nservice stats {{\n chroot =\n}}\n\
            service imap-login {{\n chroot =\n inet_listener imap {{\n  port = {}\n }}\n inet_listener imaps {{\n  port = 0\n }}\n}}\n\
            passdb {{\n driver = static\n mechanisms = plain login\n args = password={PASSWORD}\n}}\n\
            userdb {{\n driver = static\n args = uid={user} gid={group} home={folder}\n}}\n",
            self.port
        )
    }

    /// Starts it, where it was stopped.
    pub async fn run(&mut self) {
        let mut command = Command::new(program());
        command.arg("-F").arg("-c").arg(self.path("conf")).stdout(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        self.child = Some(command.spawn().unwrap());
        let port = self.port;
        eventually("dovecot listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    }

    /// Ends it, with all its connections.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        let pid = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        drop(child.wait());
    }

    /// An email comes in.
    pub fn deliver(&self, message: &str) {
        self.deliver_old(message, Duration::ZERO);
    }

    /// An email came in so long ago.
    pub fn deliver_old(&self, message: &str, age: Duration) {
        let number = self.mails.get() + 1;
        self.mails.set(number);
        let name = format!("{}.{number}.herald", 1_700_000_000 + number);
        let draft = self.path("inbox/tmp").join(&name);
        std::fs::write(&draft, message.replace('\n', "\r\n")).unwrap();
        let file = std::fs::File::options().write(true).open(&draft).unwrap();
        file.set_modified(file.metadata().unwrap().modified().unwrap() - age).unwrap();
        own(&draft);
        std::fs::rename(draft, self.path("inbox/new").join(name)).unwrap();
    }

    /// Emails that nobody has read yet.
    pub fn unread(&self) -> usize {
        let count = |inside: &str, is_seen: bool| {
            let all = std::fs::read_dir(self.path(inside)).unwrap().map(|file| file.unwrap().file_name());
            all.filter(|name| name.to_string_lossy().ends_with('S') == is_seen).count()
        };
        count("inbox/new", false) + count("inbox/cur", false)
    }

    /// Numbers all emails anew, from 1, in another life of the numbers: as a server does whose mailbox was moved or mended.
    pub fn renumber(&mut self) {
        for file in std::fs::read_dir(self.path("inbox")).unwrap().map(|file| file.unwrap()) {
            if file.file_name().to_string_lossy().starts_with("dovecot") {
                std::fs::remove_file(file.path()).unwrap();
            }
        }
        let list = self.path("inbox/dovecot-uidlist");
        std::fs::write(&list, "3 V4242 N1 G00112233445566778899aabbccddeeff\n").unwrap();
        own(&list);
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn program() -> PathBuf {
    std::env::var_os("HERALD_TEST_DOVECOT").map_or_else(|| "/usr/sbin/dovecot".into(), Into::into)
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn id(what: &str) -> String {
    let told = Command::new("id").arg(what).output().unwrap().stdout;
    String::from_utf8(told).unwrap().trim().to_owned()
}

fn own(path: &Path) {
    if is_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
}
