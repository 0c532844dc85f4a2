//! Short texts that Redis keeps, as far as it keeps anything.

use anyhow::Context;
use deadpool_redis::redis::{AsyncCommands, RedisError};
use deadpool_redis::{Config, Pool, Runtime};

use super::PATIENCE;

/// How long a text that nobody has written again is kept, in seconds: more than a year.
const KEPT: u64 = 400 * 86_400;

/// Texts under keys. Whoever uses it gets along without.
#[derive(Debug, Clone)]
pub struct Shelf(Pool);

impl Shelf {
    /// The shelf of the Redis at `url`, which is connected to when it is used.
    ///
    /// # Errors
    /// The address can't be understood.
    pub fn at(url: &str) -> Result<Self, RedisError> {
        let pool = Config::from_url(url).builder().map_err(|error| RedisError::from(std::io::Error::other(error)))?;
        let pool = pool.max_size(1).runtime(Runtime::Tokio1).build();
        Ok(Self(pool.expect("no time limits are set that need a runtime")))
    }

    /// The text under `key`.
    ///
    /// # Errors
    /// Redis does not answer within a second.
    pub async fn get(&self, key: &str) -> anyhow::Result<Option<String>> {
        let got = async { anyhow::Ok(self.0.get().await?.get::<_, Option<String>>(key).await?) };
        tokio::time::timeout(PATIENCE, got).await.context("no answer in time")?
    }

    /// Puts a text under `key`, in the place of the one that was there.
    ///
    /// # Errors
    /// Redis does not answer within a second.
    pub async fn put(&self, key: &str, text: &str) -> anyhow::Result<()> {
        let put = async { anyhow::Ok(self.0.get().await?.set_ex::<_, _, ()>(key, text, KEPT).await?) };
        tokio::time::timeout(PATIENCE, put).await.context("no answer in time")?
    }
}
