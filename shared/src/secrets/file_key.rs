//! Sealing with a key file, for demo and self-hosted use. The file is readable by its owner alone or it is not used.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use secrecy::SecretString;

use super::data_key::{DataKey, KEY_LENGTH};
use super::{SealError, Sealed, Sealer};
use crate::domain::ids::ConnectionId;

/// First byte of what this sealer makes.
const FORMAT: u8 = 1;

/// Seals with AES-256-GCM under one key held in memory.
pub struct FileKeySealer(DataKey);

/// Why the key file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileKeyError {
    /// It could not be read or made.
    #[error("the key file {} cannot be {doing}", path.display())]
    Io {
        /// Read or made.
        doing: &'static str,
        /// Which file.
        path: PathBuf,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Others than its owner may read or write it.
    #[error("the key file {} is open to others (mode {mode:o}); run `chmod 600` on it", path.display())]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It holds something other than 32 bytes.
    #[error("the key file {} must hold exactly 32 bytes", path.display())]
    WrongLength {
        /// Which file.
        path: PathBuf,
    },
}

impl FileKeySealer {
    /// With the key in the file; where there is no file, one is made with 32 random bytes and mode 0600.
    pub fn load_or_create(path: &Path) -> Result<Self, FileKeyError> {
        match load(path) {
            Err(FileKeyError::Io { source, .. }) if source.kind() == ErrorKind::NotFound => {
                create(path)?;
                // Of several processes that start at once one makes the file; all of them go by what is in it.
                load(path)
            }
            loaded => loaded,
        }
    }

    /// With this very key.
    ///
    /// # Panics
    /// Never: the length is in the type.
    pub fn from_bytes(key: [u8; KEY_LENGTH]) -> Self {
        Self(DataKey::new(&key).expect("32 bytes are an AES-256 key"))
    }
}

/// Leaves a whole key at `path`, this one or one that another process put there first. The key comes under its name only
/// when all of it is on the disk, so nobody ever reads half of one, whenever this is cut.
fn create(path: &Path) -> Result<(), FileKeyError> {
    let failed = |source| FileKeyError::Io {
        doing: "made",
        path: path.to_owned(),
        source,
    };
    let mut key = [0; KEY_LENGTH];
    aws_lc_rs::rand::fill(&mut key)
        .map_err(|_| failed(std::io::Error::other("the system gives no random bytes")))?;
    let draft = draft_of(path);
    let placed = write_whole(&draft, &key).and_then(|()| place(&draft, path));
    // It may never have been made; and what failed before says more than a file left over.
    drop(fs::remove_file(&draft));
    placed.map_err(failed)
}

/// Beside `path`, because a link stays within a file system, and under a name that no other process uses.
fn draft_of(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}", uuid::Uuid::new_v4()));
    path.with_file_name(name)
}

fn write_whole(draft: &Path, key: &[u8]) -> std::io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(key)?;
    file.sync_all()
}

/// A link, unlike a rename, never replaces what is there.
fn place(draft: &Path, path: &Path) -> std::io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

fn load(path: &Path) -> Result<FileKeySealer, FileKeyError> {
    let failed = |source| FileKeyError::Io {
        doing: "read",
        path: path.to_owned(),
        source,
    };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(FileKeyError::OpenToOthers {
            path: path.to_owned(),
            mode,
        });
    }
    let mut bytes = Vec::with_capacity(KEY_LENGTH);
    // One byte more than wanted shows a file that is too long without reading all of it.
    let most = u64::try_from(KEY_LENGTH + 1).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut bytes).map_err(failed)?;
    let key = <[u8; KEY_LENGTH]>::try_from(bytes).map_err(|_| FileKeyError::WrongLength {
        path: path.to_owned(),
    })?;
    Ok(FileKeySealer::from_bytes(key))
}

#[async_trait]
impl Sealer for FileKeySealer {
    async fn seal(&self, context: ConnectionId, plain: &SecretString) -> Result<Sealed, SealError> {
        let mut bytes = vec![FORMAT];
        bytes.append(&mut self.0.seal(FORMAT, context, plain)?);
        Ok(Sealed(bytes))
    }

    async fn open(&self, context: ConnectionId, sealed: &Sealed) -> Result<SecretString, SealError> {
        match sealed.0.split_first() {
            Some((&FORMAT, body)) => self.0.open(FORMAT, context, body),
            _ => Err(SealError::DoesNotOpen),
        }
    }
}
