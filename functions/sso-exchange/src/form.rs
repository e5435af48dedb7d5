//! A form that a page of ours sent, and nobody else had the browser send.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use web::{DoorError, Live, comes_from_another_site, pairs};

use crate::SsoState;

/// The fields of a form. Without a session there is nothing that a foreign page could have us do in somebody's name.
pub fn proven(
    state: &SsoState,
    headers: &HeaderMap,
    body: &[u8],
    live: Option<&Live>,
) -> Result<BTreeMap<String, String>, DoorError> {
    let form = std::str::from_utf8(body).map_err(|_| DoorError::Bad)?;
    let form = pairs(form).map_err(|_| DoorError::Bad)?;
    let foreign = comes_from_another_site(headers, state.door.origin.as_str());
    let known = |live: &Live| form.get("csrf").is_some_and(|sent| live.is_csrf_token(sent));
    if foreign || live.is_some_and(|live| !known(live)) {
        tracing::warn!(
            security.event = "csrf",
            "a form that no page of ours sent was refused"
        );
        return Err(DoorError::NotAllowed);
    }
    Ok(form)
}
