//! After a side was mended: what stood still for want of it goes on by itself.

use shared::domain::connection::{Connection, ConnectionStatus};
use shared::store::StoreError;

use super::take_up::take_up;
use crate::AdminState;

/// Whether the connection does less than it should until somebody acts.
pub fn stands_still(status: &ConnectionStatus) -> bool {
    matches!(status, ConnectionStatus::NeedsAttention { .. })
}

/// Has everything of the connection follow its settings again. The next run, at once if the connection stood still, finds out
/// whether anything else is wrong.
pub async fn go_on(state: &AdminState, connection: &Connection, stood_still: bool) -> Result<(), StoreError> {
    let store = &state.engine.store;
    let now = state.engine.clock.now();
    store.alerts_soon(connection.id, now).await?;
    let Some(settings) = store.settings(connection.id).await? else {
        return Ok(());
    };
    if !connection.status.may_run() {
        return Ok(());
    }
    take_up(state, connection, &settings.value).await?;
    if stood_still && settings.value.any_part_enabled() {
        store.set_due(connection.id, now).await?;
    }
    Ok(())
}
