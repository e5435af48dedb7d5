//! What somebody may do in the console who came through Microsoft. It is looked up at their sign-in and again at least every
//! quarter of an hour: who was taken off a list or out of a group is out soon, whatever their browser holds.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use shared::domain::connection::Connection;
use shared::domain::console_access::{ConsoleAccess, Rights};
use shared::domain::ids::{ConnectionId, EntraGroupId, EntraUserId};
use shared::ports::{Directory, DirectoryError, GroupMembers, SideError, UserQuery};
use shared::store::{Holder, StoreError};
use shared::telemetry::chain;
use web::{CookieKind, Live};

use crate::AdminState;
use crate::access::known_token;
use crate::caller::{Caller, Reach};
use crate::token::TokenHash;

/// What whoever came with an API token is called; pages say it in their language.
pub const TOKEN_BEARER: &str = "API token";
/// How long rights are believed.
const BELIEVED: SignedDuration = SignedDuration::from_mins(15);

/// Somebody's rights could not be looked up.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Side(#[from] SideError),
}

/// The session of a request, if its holder still may do something.
pub async fn caller(state: &AdminState, headers: &HeaderMap) -> Result<Option<(Caller, Live)>, StoreError> {
    let Some(live) = state.door.sessions.current(CookieKind::Console, headers).await? else {
        return Ok(None);
    };
    let caller = match &live.session.holder {
        Holder::Person { .. } => None,
        Holder::TokenBearer { token, .. } => token_bearer(state, token).await?,
        Holder::Member { .. } => member(state, &live).await?,
    };
    if caller.is_none() {
        state.door.store.end_session(&live.hash()).await?;
    }
    Ok(caller.map(|caller| (caller, live)))
}

async fn token_bearer(state: &AdminState, hash: &str) -> Result<Option<Caller>, StoreError> {
    let Ok(hash) = TokenHash::parse_hex(hash) else {
        return Ok(None);
    };
    let Some(role) = known_token(state, &hash).await? else {
        return Ok(None);
    };
    let name = TOKEN_BEARER.to_owned();
    Ok(Some(Caller {
        role,
        reach: Reach::Everything,
        name,
    }))
}

async fn member(state: &AdminState, live: &Live) -> Result<Option<Caller>, StoreError> {
    let Holder::Member {
        connection,
        user,
        name,
        role,
        everywhere,
        by_app_role,
        ..
    } = &live.session.holder
    else {
        return Ok(None);
    };
    let now = state.engine.clock.now();
    let believed = now.duration_since(live.session.confirmed_at) < BELIEVED;
    let rights = Rights {
        role: *role,
        everywhere: *everywhere,
        by_app_role: *by_app_role,
    };
    let rights = if believed {
        Some(rights)
    } else if rights.by_app_role {
        // Only a sign-in shows app roles; the next one takes no click while Microsoft knows the browser.
        None
    } else {
        let found = confirmed(state, *connection, (*user, rights)).await?;
        kept(state, live, found, now).await?
    };
    Ok(rights.map(|rights| Caller {
        role: rights.role,
        reach: reach(*connection, rights),
        name: name.clone(),
    }))
}

/// Writes down what was found, for the requests to come: a right that was taken away does not return with the next one. Who
/// signed out at this very moment stays out.
async fn kept(
    state: &AdminState,
    live: &Live,
    found: Option<Rights>,
    now: Timestamp,
) -> Result<Option<Rights>, StoreError> {
    let Some(rights) = found else {
        return Ok(None);
    };
    let mut holder = live.session.holder.clone();
    if let Holder::Member {
        role,
        everywhere,
        by_app_role,
        ..
    } = &mut holder
    {
        (*role, *everywhere, *by_app_role) = (rights.role, rights.everywhere, rights.by_app_role);
    }
    let store = &state.door.store;
    let there = store
        .confirm_session(&live.hash(), &live.session, (&holder, now))
        .await?;
    Ok(there.then_some(rights))
}

fn reach(connection: ConnectionId, rights: Rights) -> Reach {
    if rights.everywhere {
        Reach::Everything
    } else {
        Reach::One(connection)
    }
}

/// The rights of somebody whose session has others, or the same, looked up anew. Never more than the session was given: a
/// promotion takes a sign-in. Whose rights cannot be looked up has none.
async fn confirmed(
    state: &AdminState,
    connection: ConnectionId,
    (user, had): (EntraUserId, Rights),
) -> Result<Option<Rights>, StoreError> {
    let Some(connection) = state.door.store.connection(connection).await? else {
        return Ok(None);
    };
    match look_up(state, &connection.value, user, &BTreeSet::new()).await {
        Ok(found) => Ok(found.map(|found| Rights {
            role: found.role.min(had.role),
            everywhere: found.everywhere && had.everywhere,
            by_app_role: false,
        })),
        Err(MemberError::Store(error)) => Err(error),
        Err(error) => {
            tracing::warn!(error = %chain(&error), "somebody's rights in the console could not be confirmed; they are signed out");
            Ok(None)
        }
    }
}

/// What this person may do now, by the list and the directory.
pub async fn look_up(
    state: &AdminState,
    connection: &Connection,
    user: EntraUserId,
    app_roles: &BTreeSet<String>,
) -> Result<Option<Rights>, MemberError> {
    let store = &state.door.store;
    let access = store.console_access(connection.id).await?.value;
    if access.entries.is_empty() {
        return Ok(None);
    }
    let Some(secrets) = store.secrets(connection.id).await? else {
        return Ok(None);
    };
    let sides = state.engine.sides.sides(connection, &secrets)?;
    let directory = sides.directory.as_ref();
    if !is_enabled(directory, user).await? {
        return Ok(None);
    }
    let groups = groups_of(directory, &access, user).await?;
    Ok(access.rights(user, &groups, app_roles))
}

async fn is_enabled(directory: &dyn Directory, user: EntraUserId) -> Result<bool, DirectoryError> {
    let found = directory
        .lookup_user(&user.to_string(), &UserQuery::default())
        .await?;
    Ok(found.is_some_and(|found| found.account_enabled))
}

/// Which of the groups on the list the person is in. Asked of the directory, for a token tells of two hundred at most.
async fn groups_of(
    directory: &dyn Directory,
    access: &ConsoleAccess,
    user: EntraUserId,
) -> Result<BTreeSet<EntraGroupId>, DirectoryError> {
    let wanted = access.groups();
    if wanted.is_empty() {
        return Ok(wanted);
    }
    let members = directory.group_members(&wanted).await?;
    Ok(members
        .into_iter()
        .filter(|(_, members)| matches!(members, GroupMembers::People(people) if people.contains(&user)))
        .map(|(group, _)| group)
        .collect())
}
