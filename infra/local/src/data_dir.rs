//! The folder that one `serve` owns: table, key, lock, and where others on this machine find its table.
//! Whoever holds the lock may open the table's file; everybody else goes through the holder. The folder is for its owner
//! alone or it is not used.

use std::fs::{File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize, Serializer};

/// A folder that is ours alone for as long as this lives.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another process has it.
    #[error(
        "another connector is using the data directory {0}; stop it, or set CONNECTOR_DATA_DIR to another folder"
    )]
    Busy(PathBuf),
    /// Others than its owner may look into it or change it.
    #[error("the data directory {} is open to others (mode {mode:o}); run `chmod 700` on it", path.display())]
    OpenToOthers {
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It cannot be made, read or written.
    #[error("the data directory {path} cannot be used")]
    Unusable {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// The owner has not said where its table is.
    #[error("the connector that uses the data directory {0} has not started up yet; try again in a moment")]
    NotAnnounced(PathBuf),
}

/// Where the holder of a folder serves its table, and what it lets others in for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TableAddress {
    pub endpoint: String,
    #[serde(serialize_with = "told_to_the_owner")]
    pub access_key: SecretString,
    pub table: String,
}

impl DataDir {
    /// Makes the folder where there is none (for its owner only) and locks it.
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        let unusable = |source| unusable(path, source);
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(unusable)?;
        let mode = path.metadata().map_err(unusable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(DataDirError::OpenToOthers {
                path: path.to_owned(),
                mode,
            });
        }
        let lock = private(&path.join("connector.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _lock: lock,
            }),
            Err(TryLockError::WouldBlock) => Err(DataDirError::Busy(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    /// The file of the embedded table.
    pub fn table_file(&self) -> PathBuf {
        self.path.join("table.db")
    }

    /// Tells the owner's other processes where the table is.
    pub fn announce(&self, address: &TableAddress) -> Result<(), DataDirError> {
        // Written aside and renamed, so that nobody reads half of it.
        let (partial, whole) = (self.path.join("table.json.partial"), announcement(&self.path));
        let text = serde_json::to_vec(address).map_err(io::Error::other);
        text.and_then(|text| private(&partial)?.write_all(&text))
            .and_then(|()| std::fs::rename(&partial, &whole))
            .map_err(|source| unusable(&self.path, source))
    }

    /// Takes it back. What is left of it after a crash misleads nobody: it counts only while the lock is held.
    pub fn withdraw(&self) {
        if let Err(error) = std::fs::remove_file(announcement(&self.path)) {
            tracing::debug!(%error, "there was no announcement to take back");
        }
    }
}

/// The key file of a folder.
pub fn key_file(path: &Path) -> PathBuf {
    path.join("secrets.key")
}

/// What the holder of the folder announced.
pub fn announced(path: &Path) -> Result<TableAddress, DataDirError> {
    let text = match std::fs::read(announcement(path)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(DataDirError::NotAnnounced(path.to_owned()));
        }
        Err(error) => return Err(unusable(path, error)),
    };
    serde_json::from_slice(&text).map_err(|error| unusable(path, error.into()))
}

fn announcement(path: &Path) -> PathBuf {
    path.join("table.json")
}

/// Empty, and the owner's alone even where a file was left that was not.
fn private(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    Ok(file)
}

/// The announcement is the one place where the key is written down.
fn told_to_the_owner<S: Serializer>(key: &SecretString, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(key.expose_secret())
}

fn unusable(path: &Path, source: io::Error) -> DataDirError {
    DataDirError::Unusable {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address() -> TableAddress {
        TableAddress {
            endpoint: "http://127.0.0.1:1".to_owned(),
            access_key: "canary".into(),
            table: "connector".to_owned(),
        }
    }

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let owner = DataDir::open(&path).unwrap();
        let refused = DataDir::open(&path).unwrap_err();
        assert!(
            refused.to_string().contains("another connector is using"),
            "{refused}"
        );
        drop(owner);
        assert!(DataDir::open(&path).is_ok());
    }

    #[test]
    fn an_announcement_is_for_the_owner_only_and_can_be_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        let owner = DataDir::open(&path).unwrap();
        assert!(matches!(announced(&path), Err(DataDirError::NotAnnounced(_))));
        let left_over = path.join("table.json.partial");
        std::fs::write(&left_over, "half of one").unwrap();
        std::fs::set_permissions(&left_over, Permissions::from_mode(0o644)).unwrap();
        owner.announce(&address()).unwrap();
        let heard = announced(&path).unwrap();
        assert_eq!(heard.endpoint, address().endpoint);
        assert_eq!(heard.access_key.expose_secret(), "canary");
        assert_eq!(heard.table, address().table);
        assert!(!format!("{heard:?}").contains("canary"));
        let mode = std::fs::metadata(announcement(&path))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        owner.withdraw();
        assert!(announced(&path).is_err());
    }

    #[test]
    fn a_folder_that_others_may_enter_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, named) in [(0o755, "755"), (0o750, "750"), (0o701, "701"), (0o770, "770")] {
            std::fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            let refused = DataDir::open(folder.path()).unwrap_err().to_string();
            for wanted in [folder.path().to_str().unwrap(), named, "chmod 700"] {
                assert!(refused.contains(wanted), "{refused}");
            }
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        }
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        assert!(DataDir::open(folder.path()).is_ok());
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let error = DataDir::open(Path::new("/dev/null/data")).unwrap_err();
        assert!(error.to_string().contains("/dev/null/data"));
    }
}
