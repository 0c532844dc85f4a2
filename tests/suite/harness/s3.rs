//! A server of S3, for one test: moto, which knows of buckets, signed requests, parts and ranges.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use super::python;

/// The server; it ends with the test.
pub struct S3 {
    child: Child,
    /// Its address.
    pub url: String,
}

impl S3 {
    /// Starts it, with a bucket `herald`. None if there is no Python on this machine.
    pub async fn start() -> Option<Self> {
        herald::app::install_tls();
        let python = python::interpreter("s3")?;
        let mut child = Command::new(python)
            .args(["-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines.find_map(|line| line.unwrap().split_once("Running on ").map(|(_, url)| url.trim().to_owned()));
        // What it says later must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        let server = Self { child, url: url.expect("it ended before it served") };
        let made = reqwest::Client::new().put(format!("{}/herald", server.url)).send().await.unwrap();
        assert!(made.status().is_success(), "{made:?}");
        Some(server)
    }

    /// What tells a command where the files lie.
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("HERALD_FILES", "s3://herald/fleet".into()),
            ("AWS_ENDPOINT_URL", self.url.clone()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_ACCESS_KEY_ID", "herald".into()),
            ("AWS_SECRET_ACCESS_KEY", "a secret of the test".into()),
        ]
    }

    /// The bucket as others see it.
    pub fn bucket(&self) -> object_store::aws::AmazonS3 {
        let [_, (_, endpoint), (_, region), (_, id), (_, secret)] = self.environment();
        object_store::aws::AmazonS3Builder::new()
            .with_bucket_name("herald")
            .with_endpoint(endpoint)
            .with_region(region)
            .with_access_key_id(id)
            .with_secret_access_key(secret)
            .with_allow_http(true)
            .build()
            .unwrap()
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
