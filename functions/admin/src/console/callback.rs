//! `GET /console/callback`: somebody comes back from Microsoft and wants into the console.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use shared::metrics::SIGN_INS;
use shared::sso::Identity;
use shared::store::{Holder, Purpose};
use shared::telemetry::chain;
use web::{CameBack, CookieKind, DoorError, Language, Notice, Words, see_other};

use super::CALLBACK;
use super::member::{MemberError, look_up};
use super::sign_in::landing;
use crate::AdminState;

pub async fn callback(
    State(state): State<AdminState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = Language::of(&headers, None);
    match come_back(&state, &headers, &query.unwrap_or_default()).await {
        Ok(response) => response,
        Err(DoorError::NotAllowed) => no_access(language),
        Err(error) => error.page(language).into_response(),
    }
}

async fn come_back(state: &AdminState, headers: &HeaderMap, query: &str) -> Result<Response, DoorError> {
    let came = state.door.come_back(headers, query).await?;
    let Purpose::Console { return_to } = &came.purpose else {
        return Err(DoorError::Expired);
    };
    let identity = state.door.identify(&came, CALLBACK).await?.identity;
    let holder = holder(state, &came, &identity).await?;
    let cookie = state
        .door
        .sessions
        .begin(CookieKind::Console, headers, holder)
        .await?;
    let mut response = see_other(landing(Some(return_to)));
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

async fn holder(state: &AdminState, came: &CameBack, identity: &Identity) -> Result<Holder, DoorError> {
    let connection = &came.connection.value;
    let rights = look_up(state, connection, identity.user, &identity.roles).await;
    let rights = rights.map_err(|error| match error {
        MemberError::Store(error) => DoorError::Store(error),
        other => {
            tracing::error!(connection.id = %connection.id, error = %chain(&other), "somebody's rights in the console could not be looked up");
            DoorError::NotAllowed
        }
    })?;
    let Some(rights) = rights else {
        tracing::warn!(
            target: SIGN_INS.target,
            { refused = 1, security.event = "console_refused", connection.id = %connection.id, entra_user.id = %identity.user },
            "somebody who is on no list wanted into the console"
        );
        return Err(DoorError::NotAllowed);
    };
    tracing::info!(
        target: SIGN_INS.target,
        { signed_in = 1, connection.id = %connection.id, entra_user.id = %identity.user },
        "somebody signed in to the console"
    );
    Ok(Holder::Member {
        connection: connection.id,
        tenant: identity.tenant,
        user: identity.user,
        name: identity.name.clone(),
        role: rights.role,
        everywhere: rights.everywhere,
        by_app_role: rights.by_app_role,
    })
}

fn no_access(language: Language) -> Response {
    let words = Words(language);
    let notice = Notice {
        language,
        title: words.text("sign-in-failed-title"),
        paragraphs: vec![words.text("console-no-access")],
        items: Vec::new(),
        links: Vec::new(),
    };
    notice.page(StatusCode::FORBIDDEN).into_response()
}
