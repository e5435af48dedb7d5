//! `GET /sso/callback`: a browser comes back from Microsoft. Whoever has an extension of ours gets a code for their
//! application, or their own page; everybody else the same refusal.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use jiff::{SignedDuration, Timestamp};
use shared::domain::ids::EntraUserId;
use shared::metrics::SIGN_INS;
use shared::sso::{random_word, word_hash};
use shared::store::{Holder, Purpose, SsoCode};
use web::{CameBack, CookieKind, DoorError, Language, see_other, with_parameters};

use crate::SsoState;
use crate::admit::{OpenConnection, Wish};

/// Registered with the app.
pub const CALLBACK: &str = "/sso/callback";
/// An application that was sent a code uses it at once.
const CODE_LIFE: SignedDuration = SignedDuration::from_secs(60);

pub async fn callback(
    State(state): State<SsoState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    match come_back(&state, &headers, &query.unwrap_or_default()).await {
        Ok(response) => response,
        Err(error) => error.page(Language::of(&headers, None)).into_response(),
    }
}

async fn come_back(state: &SsoState, headers: &HeaderMap, query: &str) -> Result<Response, DoorError> {
    let came = state.door.come_back(headers, query).await?;
    let wish = match &came.purpose {
        Purpose::Linkus { .. } => Wish::Linkus,
        Purpose::Me => Wish::Me,
        // Those come back elsewhere.
        Purpose::ConnectLink | Purpose::Connect | Purpose::Console { .. } => return Err(DoorError::Expired),
    };
    let open = OpenConnection::of(came.connection.value.clone(), came.settings.clone(), wish);
    let open = open.ok_or(DoorError::NotAllowed)?;
    let identity = state.door.identify(&came, CALLBACK).await?.identity;
    if open.admit(&state.door.store, identity.user).await?.is_none() {
        return Err(DoorError::NotAllowed);
    }
    tracing::info!(
        target: SIGN_INS.target,
        { signed_in = 1, connection.id = %open.connection.id, entra_user.id = %identity.user },
        "a person signed in"
    );
    go_on(state, headers, (&came, &open), identity.user).await
}

async fn go_on(
    state: &SsoState,
    headers: &HeaderMap,
    (came, open): (&CameBack, &OpenConnection),
    user: EntraUserId,
) -> Result<Response, DoorError> {
    if let Purpose::Linkus {
        redirect_uri,
        state: client_state,
        challenge,
    } = &came.purpose
    {
        let code = SsoCode {
            connection: open.connection.id,
            user,
            redirect_uri: redirect_uri.clone(),
            challenge: challenge.clone(),
            expires_at: code_end(state.door.clock.now()),
        };
        return send_code(state, &code, client_state.as_deref()).await;
    }
    let holder = Holder::Person {
        connection: open.connection.id,
        user,
    };
    let cookie = state.door.sessions.begin(CookieKind::Me, headers, holder).await?;
    let mut response = see_other("/me");
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

fn code_end(now: Timestamp) -> Timestamp {
    now.saturating_add(CODE_LIFE).unwrap_or(Timestamp::MAX)
}

async fn send_code(
    state: &SsoState,
    code: &SsoCode,
    client_state: Option<&str>,
) -> Result<Response, DoorError> {
    let text = random_word();
    state.door.store.put_sso_code(&word_hash(&text), code).await?;
    let mut parameters = vec![("code", text.as_str())];
    parameters.extend(client_state.map(|state| ("state", state)));
    let url = with_parameters(&code.redirect_uri, &parameters).ok_or(DoorError::Bad)?;
    Ok(see_other(&url))
}
