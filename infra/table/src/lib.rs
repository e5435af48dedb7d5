//! A DynamoDB-speaking engine inside this process, on a free loopback port. It is reached through the AWS SDK, with
//! [`EmbeddedTable::endpoint`] and [`EmbeddedTable::access_key`] alone, so that nothing depends on which engine it is.
//! A loopback port is open to every user of a machine and to every page in their browsers: who does not know the key is
//! refused before anything is read.

mod door;
mod file;
mod operations;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use dynoxide::Database;
use secrecy::SecretString;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running engine; stops when dropped. Needs a Tokio runtime for as long as it serves.
pub struct EmbeddedTable {
    database: Database,
    address: SocketAddr,
    access_key: SecretString,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<std::io::Result<()>>>,
}

/// Why the engine did not start, serve or stop well.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedTableError {
    /// The data could not be opened or swept.
    #[error("the embedded table cannot use its data")]
    Data(#[source] dynoxide::DynoxideError),
    /// The file could not be made, or could not be closed to others.
    #[error("the embedded table cannot have the file {} for itself", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// There was no free loopback port.
    #[error("the embedded table cannot listen on loopback")]
    Listen(#[source] std::io::Error),
    /// It stopped serving by itself.
    #[error("the embedded table stopped: {0}")]
    Stopped(String),
}

impl EmbeddedTable {
    /// With data that ends with it.
    pub async fn memory() -> Result<Self, EmbeddedTableError> {
        Self::start(Database::memory().map_err(EmbeddedTableError::Data)?).await
    }

    /// With data in a file, which is made where there is none, and which its owner alone may read and write.
    pub async fn file(path: &Path) -> Result<Self, EmbeddedTableError> {
        let unusable = |source| EmbeddedTableError::File {
            path: path.to_owned(),
            source,
        };
        // The engine takes no other names; one that is nearly the same would be another file.
        let name = path
            .to_str()
            .ok_or_else(|| unusable(std::io::ErrorKind::InvalidInput.into()))?;
        file::close_to_others(path).map_err(unusable)?;
        Self::start(Database::new(name).map_err(EmbeddedTableError::Data)?).await
    }

    async fn start(database: Database) -> Result<Self, EmbeddedTableError> {
        let listener = TcpListener::bind(("127.0.0.1", 0))
            .await
            .map_err(EmbeddedTableError::Listen)?;
        let address = listener.local_addr().map_err(EmbeddedTableError::Listen)?;
        let access_key = door::random_key();
        let routes = door::guarded(operations::router(database.clone()), access_key.clone());
        let (stop, stopped) = oneshot::channel::<()>();
        // A dropped sender ends the engine just as a sent word does.
        let until = async move {
            let _ = stopped.await;
        };
        let serving =
            tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(until).await });
        Ok(Self {
            database,
            address,
            access_key,
            stop: Some(stop),
            serving: Some(serving),
        })
    }

    /// Where the AWS SDK finds it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What lets a client in, as the session token of its credentials. Another one with each start.
    pub fn access_key(&self) -> &SecretString {
        &self.access_key
    }

    /// Deletes what has expired; the engine does not do so by itself. Blocks, so call it off the async threads
    /// where the table may be large. Returns how many items went.
    pub fn sweep_expired(&self) -> Result<usize, EmbeddedTableError> {
        self.database.sweep_ttl().map_err(EmbeddedTableError::Data)
    }

    /// Finishes what runs and stops. Connections that clients keep open idle are closed.
    pub async fn shutdown(mut self) -> Result<(), EmbeddedTableError> {
        drop(self.stop.take());
        let Some(serving) = self.serving.take() else {
            return Ok(());
        };
        serving
            .await
            .map_err(|error| EmbeddedTableError::Stopped(error.to_string()))?
            .map_err(|error| EmbeddedTableError::Stopped(error.to_string()))
    }
}
