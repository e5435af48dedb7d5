//! The file of a table belongs to its owner alone, whatever the umask. `SQLite` makes the two files beside it with the
//! rights of the file itself.

use std::fs::{OpenOptions, Permissions, set_permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

const OWNER_ONLY: u32 = 0o600;
/// What `SQLite` keeps beside a file: what was written last, and where to find it.
const BESIDE: [&str; 2] = ["-wal", "-shm"];

/// Makes the file where there is none, and takes from others what rights they have on it and on those beside it.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(OWNER_ONLY)
        .open(path)?;
    set_permissions(path, Permissions::from_mode(OWNER_ONLY))?;
    for ending in BESIDE {
        match set_permissions(beside(path, ending), Permissions::from_mode(OWNER_ONLY)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
