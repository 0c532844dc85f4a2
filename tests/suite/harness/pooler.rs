//! A `PgBouncer` of one test's own, which hands out its connections to PostgreSQL for a transaction each.

use std::fs::Permissions;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use super::needs::missing;

/// How many connections to PostgreSQL it shares out: fewer than a Herald would take for itself.
const SERVERS: u32 = 6;

/// It ends with the test.
pub struct Pooler {
    pub port: u16,
    child: Child,
    _folder: TempDir,
}

impl Pooler {
    /// Before `server`, such as `127.0.0.1:5432`. None if there is no `PgBouncer` on this machine.
    pub async fn before(server: &str) -> Option<Self> {
        let named = std::env::var("HERALD_TEST_PGBOUNCER").ok().filter(|path| !path.is_empty());
        let program = named.unwrap_or_else(|| "/usr/sbin/pgbouncer".into());
        if Command::new(&program).arg("--version").stdout(Stdio::null()).status().is_err() {
            missing("pgbouncer");
            return None;
        }
        let (host, its_port) = server.split_once(':').expect("a host and a port");
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = TempDir::new().unwrap();
        let (users, settings) = (folder.path().join("users"), folder.path().join("pgbouncer.ini"));
        // Nothing of what it refuses by default is let through.
        let text = format!(
            "[databases]\n* = host={host} port={its_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\npool_mode = transaction\ndefault_pool_size = {SERVERS}\nmax_client_conn = 500\n\
             auth_type = trust\nauth_file = {}\n",
            users.display()
        );
        std::fs::write(&users, "\"postgres\" \"\"\n").unwrap();
        std::fs::write(&settings, text).unwrap();
        // It refuses to be root, and whoever it becomes reads these.
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(&program);
        if rustix::process::getuid().is_root() {
            command.args(["--user", "postgres"]);
        }
        let child = command.arg("--quiet").arg(&settings).stdout(Stdio::null()).spawn().unwrap();
        let pooler = Self { port, child, _folder: folder };
        super::eventually("the pooler listens", async || TcpStream::connect(("127.0.0.1", port)).is_ok()).await;
        Some(pooler)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
