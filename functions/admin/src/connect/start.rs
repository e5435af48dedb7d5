//! `GET /connect/start`: the link that an admin was given. It binds their browser and sends it to Microsoft.

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use shared::domain::permissions::delegated;
use shared::sso::{Prompt, word_hash};
use shared::store::Purpose;
use web::{Begin, DoorError, Language, Notice, Words, pairs};

use super::CALLBACK;
use crate::AdminState;

/// Who signs in, and everything that is registered on the app: its application permissions too.
const SCOPE: &str = "openid profile https://graph.microsoft.com/.default";

pub async fn start(
    State(state): State<AdminState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = Language::of(&headers, None);
    match begin(&state, &headers, &query.unwrap_or_default()).await {
        Ok(response) => response,
        Err(DoorError::Expired) => used(language),
        Err(error) => error.page(language).into_response(),
    }
}

async fn begin(state: &AdminState, headers: &HeaderMap, query: &str) -> Result<Response, DoorError> {
    let pairs = pairs(query).map_err(|_| DoorError::Bad)?;
    let word = pairs.get("attempt").ok_or(DoorError::Bad)?;
    let store = &state.door.store;
    let now = state.door.clock.now();
    let link = store.take_login_attempt(&word_hash(word), now).await?;
    let link = link.filter(|link| link.purpose == Purpose::ConnectLink);
    let link = link.ok_or(DoorError::Expired)?;
    let connection = store
        .connection(link.connection)
        .await?
        .ok_or(DoorError::Expired)?;
    let settings = store.settings(link.connection).await?.ok_or(DoorError::Expired)?;
    let begin = Begin {
        connection: &connection.value,
        purpose: Purpose::Connect,
        callback: CALLBACK,
        scope: &scope(&delegated(&settings.value)),
        prompt: Some(Prompt::Consent),
    };
    state.door.begin(headers, begin).await
}

/// Without the refresh token nobody needs one.
fn scope(delegated: &[&str]) -> String {
    if delegated.contains(&"offline_access") {
        format!("{SCOPE} offline_access")
    } else {
        SCOPE.to_owned()
    }
}

fn used(language: Language) -> Response {
    let words = Words(language);
    let notice = Notice {
        language,
        title: words.text("sign-in-failed-title"),
        paragraphs: vec![words.text("connect-link-used")],
        items: Vec::new(),
        links: Vec::new(),
    };
    notice.page(StatusCode::BAD_REQUEST).into_response()
}
