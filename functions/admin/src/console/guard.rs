//! Who gets to a page of the console. Runs before the page reads anything but headers: the session, the role that the route
//! asks for, the connection that the path names, and, for a form, that a page of ours in this session sent it.

use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use shared::domain::ids::ConnectionId;
use shared::domain::role::Role;
use url::form_urlencoded;
use web::{
    CookieKind, DoorError, Language, Live, Notice, Words, comes_from_another_site, pairs, see_other,
    write_cookie,
};

use super::form::Form;
use super::member;
use super::own_page::own_page;
use super::way_in::back_to;
use crate::AdminState;
use crate::caller::{Caller, Reach};

/// Largest form: a settings section with every list full is a tenth of it.
const MAX_FORM: usize = 256 * 1024;

/// Who looks at a page, and what the page must know of them.
#[derive(Debug, Clone)]
pub struct Visitor {
    pub caller: Caller,
    pub language: Language,
    /// What each form of theirs sends back.
    pub csrf: String,
    /// The path they are at.
    pub path: String,
    /// Where the same is said in the other language.
    pub in_other_language: String,
}

impl Visitor {
    /// Whether they may do what asks for this role.
    pub fn may(&self, role: Role) -> bool {
        self.caller.role.allows(role)
    }
}

/// Lets a request through whose visitor may see the page.
pub async fn guard(
    State((state, needed)): State<(AdminState, Role)>,
    request: Request,
    next: Next,
) -> Response {
    let chosen = chosen_language(request.uri().query().unwrap_or_default());
    let language = Language::of(request.headers(), chosen.map(Language::tag));
    let mut response = match admit(&state, needed, language, request).await {
        Ok(request) => next.run(request).await,
        Err(response) => response,
    };
    if let Some(chosen) = chosen {
        let cookie = write_cookie(CookieKind::Language, chosen.tag().to_owned());
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn chosen_language(query: &str) -> Option<Language> {
    Language::named(pairs(query).ok()?.get("lang")?)
}

async fn admit(
    state: &AdminState,
    needed: Role,
    language: Language,
    request: Request,
) -> Result<Request, Response> {
    let (caller, live) = match member::caller(state, request.headers()).await {
        Ok(Some(known)) => known,
        Ok(None) => return Err(sign_in_first(&request, language)),
        Err(error) => return Err(DoorError::Store(error).page(language).into_response()),
    };
    if !caller.role.allows(needed) {
        return Err(refusal(language, StatusCode::FORBIDDEN, "refused-role"));
    }
    if !reaches(caller.reach, request.uri().path(), needed) {
        return Err(refusal(language, StatusCode::FORBIDDEN, "refused-reach"));
    }
    let mut request = if request.method() == Method::POST {
        with_form(state, &live, language, request).await?
    } else {
        request
    };
    let visitor = Visitor {
        caller,
        language,
        csrf: live.csrf_token(),
        in_other_language: in_other_language(&request, language.other()),
        path: shown_at(&request).to_owned(),
    };
    request.extensions_mut().insert(visitor);
    Ok(request)
}

/// A page that was open while the session ended leads to the door, and from there back to it. What was typed into a form is
/// lost, which is said before: a form without a session is nobody's, so nothing of it is kept.
fn sign_in_first(request: &Request, language: Language) -> Response {
    let door = back_to(shown_at(request));
    if request.method() == Method::GET {
        return see_other(&door);
    }
    let words = Words(language);
    let notice = Notice {
        language,
        title: words.text("session-over-title"),
        paragraphs: vec![words.text("refused-session")],
        items: Vec::new(),
        links: vec![web::Link {
            href: door,
            text: words.text("session-over-sign-in"),
        }],
    };
    notice.page(StatusCode::FORBIDDEN).into_response()
}

/// The address at which what is answered can be had again: that of the page, where a form was sent from it.
fn shown_at(request: &Request) -> &str {
    let path = request.uri().path();
    if request.method() == Method::POST {
        own_page(path)
    } else {
        path
    }
}

/// The same page in this language: what is looked for and the place in a list stay.
fn in_other_language(request: &Request, language: Language) -> String {
    let query = match *request.method() {
        Method::GET => request.uri().query().unwrap_or_default(),
        _ => "",
    };
    let kept = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key != "lang");
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("lang", language.tag())
        .finish();
    format!("{}?{query}", shown_at(request))
}

/// Who has one connection alone gets to that one's pages and to the list, which shows no other.
fn reaches(reach: Reach, path: &str, needed: Role) -> bool {
    let Reach::One(own) = reach else {
        return true;
    };
    match path.strip_prefix("/console/connections/") {
        Some(rest) => rest.split('/').next().and_then(|id| ConnectionId::parse(id).ok()) == Some(own),
        None => needed == Role::Viewer,
    }
}

async fn with_form(
    state: &AdminState,
    live: &Live,
    language: Language,
    request: Request,
) -> Result<Request, Response> {
    let (mut parts, body) = request.into_parts();
    let bytes = to_bytes(body, MAX_FORM)
        .await
        .map_err(|_| refusal(language, StatusCode::PAYLOAD_TOO_LARGE, "refused-too-large"))?;
    let form = if is_form(&parts.headers) {
        Form::parse(&bytes)
    } else {
        Form::default()
    };
    let ours = form.all("csrf").len() == 1 && live.is_csrf_token(form.exact("csrf"));
    if !ours || comes_from_another_site(&parts.headers, state.door.origin.as_str()) {
        tracing::warn!(
            security.event = "csrf",
            "a form that no page of ours sent was refused"
        );
        return Err(refusal(language, StatusCode::FORBIDDEN, "refused-form"));
    }
    parts.extensions.insert(form);
    Ok(Request::from_parts(parts, axum::body::Body::empty()))
}

fn is_form(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    content_type
        .and_then(|value| value.split(';').next())
        .is_some_and(|kind| {
            kind.trim()
                .eq_ignore_ascii_case("application/x-www-form-urlencoded")
        })
}

/// A page that only says no.
pub fn refusal(language: Language, status: StatusCode, key: &str) -> Response {
    let words = Words(language);
    let notice = Notice {
        language,
        title: words.text("refused-title"),
        paragraphs: vec![words.text(key)],
        items: Vec::new(),
        links: vec![web::Link {
            href: "/console".to_owned(),
            text: words.text("refused-back"),
        }],
    };
    notice.page(status).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn whoever_has_one_connection_sees_its_pages_and_no_others() {
        const OWN: &str = "0190d2a0-0000-7000-8000-000000000001";
        let one = Reach::One(ConnectionId::parse(OWN).unwrap());
        let rows = [
            ("/console".to_owned(), Role::Viewer, true),
            (format!("/console/connections/{OWN}"), Role::Viewer, true),
            (
                format!("/console/connections/{OWN}/disconnect"),
                Role::Admin,
                true,
            ),
            (
                "/console/connections/0190d2a0-0000-7000-8000-000000000002".to_owned(),
                Role::Viewer,
                false,
            ),
            ("/console/connections/x".to_owned(), Role::Viewer, false),
            ("/console/tokens".to_owned(), Role::Admin, false),
            ("/console/connect".to_owned(), Role::Admin, false),
        ];
        for (path, needed, reached) in rows {
            assert_eq!(reaches(one, &path, needed), reached, "{path}");
            assert!(reaches(Reach::Everything, &path, needed));
        }
    }

    #[test]
    fn the_other_language_says_the_same_page() {
        let to = |method: Method, uri: &str| {
            let request = Request::builder().method(method).uri(uri);
            in_other_language(&request.body(Body::empty()).unwrap(), Language::Chinese)
        };
        let people = "/console/connections/c1/people";
        for (asked, kept) in [
            ("", ""),
            ("?lang=en", ""),
            (
                "?q=Zo%C3%AB+%22%3C&lang=en&cursor=a",
                "q=Zo%C3%AB+%22%3C&cursor=a&",
            ),
        ] {
            let address = to(Method::GET, &format!("{people}{asked}"));
            assert_eq!(address, format!("{people}?{kept}lang=zh-CN"));
        }
        let after_a_form = to(Method::POST, &format!("{people}/u1/presence?q=a"));
        assert_eq!(after_a_form, format!("{people}/u1?lang=zh-CN"));
    }

    // case: 46
    #[test]
    fn only_an_urlencoded_body_is_a_form() {
        for (value, form) in [
            ("application/x-www-form-urlencoded", true),
            ("application/x-www-form-urlencoded; charset=utf-8", true),
            ("text/plain", false),
            ("multipart/form-data; boundary=x", false),
            ("application/json", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, value.parse().unwrap());
            assert_eq!(is_form(&headers), form, "{value}");
        }
    }
}
