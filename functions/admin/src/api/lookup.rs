//! The ids in a path: what is no id names nothing, so both are the same 404.

use shared::domain::connection::{Connection, ConnectionStatus};
use shared::domain::ids::{ConnectionId, SyncRunId};
use shared::domain::sync_run::SyncRun;
use shared::store::{Store, Versioned};

use crate::problem::{Kind, Problem};

/// The connection of a path.
pub async fn connection(store: &Store, id: &str) -> Result<Versioned<Connection>, Problem> {
    let missing = || Problem::not_found("connection");
    let id = ConnectionId::parse(id).map_err(|_| missing())?;
    store.connection(id).await?.ok_or_else(missing)
}

/// The connection of a path, of which a side is to be asked. Nothing is known any more of how to ask one that is
/// disconnected.
pub async fn asked(store: &Store, id: &str) -> Result<Connection, Problem> {
    let connection = connection(store, id).await?.value;
    if matches!(connection.status, ConnectionStatus::Disconnected) {
        return Err(Problem::new(Kind::ReadOnly, "the connection is disconnected"));
    }
    Ok(connection)
}

/// The run of a path, with its connection's id.
pub async fn run(store: &Store, connection_id: &str, run: &str) -> Result<SyncRun, Problem> {
    let connection = connection(store, connection_id).await?.value;
    let missing = || Problem::not_found("sync run");
    let run = SyncRunId::parse(run).map_err(|_| missing())?;
    store.run(connection.id, run).await?.ok_or_else(missing)
}
