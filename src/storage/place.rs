//! Places outside of the database: a folder, or a bucket of S3. Whatever is kept in one is opened here.

use std::fmt;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{Error, ObjectStore, RetryConfig};

/// How often, and for how long, a request to a bucket is repeated: whoever waits for it is told soon that the bucket is away.
const REPEATS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(20);

/// Where things are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this folder.
    Folder(PathBuf),
    /// In a bucket: `s3://bucket/prefix`. The keys, the region and the endpoint are in the variables `AWS_...`.
    S3(String),
}

/// A place that things are written to and read from. They are written whole or not at all.
#[derive(Debug, Clone)]
pub struct Opened {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) prefix: Path,
    /// The setting that names it, and what that says.
    named: Arc<str>,
    /// The server, if it is a bucket's.
    host: Option<Arc<str>>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::S3(url) => f.write_str(url),
        }
    }
}

impl Place {
    /// Opens the place that `setting` names; a folder is made if it is not there.
    ///
    /// # Errors
    /// The folder can't be made, or the variables `AWS_...` don't say how a bucket is reached.
    pub fn open(&self, setting: &'static str) -> anyhow::Result<Opened> {
        let opened = match self {
            Self::Folder(path) => folder(path).map(|store| (store, Path::default(), None)),
            Self::S3(url) => bucket(url),
        };
        let (store, prefix, host) = opened.with_context(|| format!("{setting}: {self} can't be opened"))?;
        Ok(Opened { store, prefix, named: format!("{setting}: {self}").into(), host })
    }
}

impl Opened {
    /// A bucket that is open already, in which all lies below `prefix`; errors call it `named`.
    pub fn bucket(store: Arc<dyn ObjectStore>, prefix: &str, named: &str) -> Self {
        Self { store, prefix: Path::from(prefix), named: named.into(), host: Some("the server".into()) }
    }

    pub(crate) fn path(&self, name: &str) -> Path {
        self.prefix.parts().chain(name.split('/').map(Into::into)).collect()
    }

    /// The setting, the place, and the server if there is one.
    pub fn named(&self) -> String {
        let host = self.host.as_ref().map(|host| format!(" on {host}")).unwrap_or_default();
        format!("{}{host}", self.named)
    }

    /// What is wrong with the place, in a sentence: setting, host, cause and what to do.
    pub(crate) fn away(&self, error: Error) -> anyhow::Error {
        let cure = match (&error, &self.host) {
            (Error::NotFound { .. }, Some(_)) => "there is no such bucket: make it, or correct the setting",
            (Error::PermissionDenied { .. } | Error::Unauthenticated { .. }, Some(_)) => {
                "the server refuses the keys: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be of somebody who may read, write, \
                 list and delete there"
            }
            (_, Some(_)) => "AWS_ENDPOINT_URL and AWS_REGION say which server is meant, AWS_ACCESS_KEY_ID who asks",
            (_, None) => "this process must be able to write there",
        };
        // What lies in between says the same in other words, several times.
        let mut root: &dyn std::error::Error = &error;
        while let Some(source) = root.source() {
            root = source;
        }
        let sentence = format!("{} can't be used now: {root}; {cure}", self.named());
        anyhow::Error::new(error).context(sentence)
    }
}

fn folder(path: &PathBuf) -> anyhow::Result<Arc<dyn ObjectStore>> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    // What was archived is deleted from the database: it must outlive a power cut.
    Ok(Arc::new(LocalFileSystem::new_with_prefix(path)?.with_fsync(true)))
}

type Bucket = (Arc<dyn ObjectStore>, Path, Option<Arc<str>>);

fn bucket(text: &str) -> anyhow::Result<Bucket> {
    let prefix = Path::from_url_path(url::Url::parse(text)?.path())?;
    let mut builder = AmazonS3Builder::from_env().with_url(text).with_retry(RetryConfig {
        max_retries: REPEATS,
        retry_timeout: PATIENCE,
        ..RetryConfig::default()
    });
    let told = |key| builder.get_config_value(&key);
    let endpoint = told(AmazonS3ConfigKey::S3Endpoint).or_else(|| told(AmazonS3ConfigKey::Endpoint));
    let region = told(AmazonS3ConfigKey::Region).unwrap_or_else(|| "us-east-1".into());
    let server = endpoint.as_deref().and_then(|endpoint| url::Url::parse(endpoint).ok());
    // Nobody listens between a process and its own machine; everywhere else TLS is left out only if AWS_ALLOW_HTTP says so.
    if server.as_ref().is_some_and(is_on_this_machine) {
        builder = builder.with_allow_http(true);
    }
    let host = server.as_ref().and_then(|server| Some((server.host_str()?.to_owned(), server.port_or_known_default())));
    let host = match host {
        Some((host, Some(port))) => format!("{host}:{port}"),
        Some((host, None)) => host,
        None => format!("s3.{region}.amazonaws.com"),
    };
    Ok((Arc::new(builder.build()?), prefix, Some(host.into())))
}

fn is_on_this_machine(server: &url::Url) -> bool {
    match server.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for (endpoint, is_here) in [
            ("http://127.0.0.1:9000", true),
            ("http://[::1]:9000", true),
            ("http://localhost:9000", true),
            ("http://10.0.0.1:9000", false),
            ("http://localhost.example.org", false),
            ("https://s3.example.org", false),
        ] {
            assert_eq!(is_on_this_machine(&url::Url::parse(endpoint).unwrap()), is_here, "{endpoint}");
        }
    }

    #[test]
    fn names_lie_below_the_prefix() {
        let folder = tempfile::tempdir().unwrap();
        let mut opened = Place::Folder(folder.path().into()).open("HERALD_FILES").unwrap();
        assert_eq!(opened.path("uploads/1").as_ref(), "uploads/1");
        opened.prefix = Path::from("a/b");
        assert_eq!(opened.path("uploads/1").as_ref(), "a/b/uploads/1");
    }
}
