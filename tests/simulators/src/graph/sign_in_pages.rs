//! The pages that a person sees at the simulated sign-in host: plain forms, everything escaped.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

use super::answer::Answer;
use super::tenant::Tenant;

/// So many accounts are offered; anybody else types their name.
const OFFERED: usize = 25;
const HTML: &str = "text/html; charset=utf-8";

/// What an app asks for.
pub struct Asked {
    pub app: String,
    pub tenant: String,
    /// Delegated permissions that nobody consented to yet.
    pub delegated: BTreeSet<String>,
    /// Application permissions registered on the app.
    pub roles: BTreeSet<String>,
    /// Those await an administrator.
    pub roles_open: bool,
}

fn page(status: u16, title: &str, body: &str) -> Answer {
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{title}</title></head>\
         <body style=\"font-family:sans-serif;max-width:34rem;margin:4rem auto\"><h1>{title}</h1>{body}</body></html>"
    );
    Answer::text(status, HTML, html).header("Cache-Control", "no-store")
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn form(tenant: &str, query: &str, fields: &str) -> String {
    format!(
        "<form method=\"post\" action=\"/{}/login\"><input type=\"hidden\" name=\"request\" value=\"{}\">{fields}</form>",
        escape(tenant),
        escape(query)
    )
}

/// Who are you?
pub fn sign_in_page(tenant: &Tenant, query: &str, problem: Option<&str>) -> Answer {
    let mut buttons = String::new();
    for user in tenant.directory.users.live.values().take(OFFERED) {
        let text = |name: &str| user.get(name).and_then(Value::as_str).unwrap_or_default();
        let (upn, name) = (escape(text("userPrincipalName")), escape(text("displayName")));
        let _ = write!(
            buttons,
            "<p><button name=\"username\" value=\"{upn}\">{name}</button> {upn}</p>"
        );
    }
    let problem = problem.map(|words| format!("<p role=\"alert\">{}</p>", escape(words)));
    let typed = "<p><label>Sign-in name <input name=\"username\" autocomplete=\"off\"></label> <button>Next</button></p>";
    let body = format!(
        "<p>Simulated sign-in of {}</p>{}{}{}",
        escape(&tenant.name),
        problem.unwrap_or_default(),
        form(&tenant.id, query, typed),
        form(&tenant.id, query, &buttons)
    );
    page(200, "Sign in", &body)
}

/// May this app do that?
pub fn consent_page(organisation: &str, asked: &Asked, query: &str) -> Answer {
    let mut items = String::new();
    for name in asked.delegated.iter().chain(&asked.roles) {
        let _ = write!(items, "<li>{}</li>", escape(name));
    }
    let buttons = "<button name=\"consent\" value=\"cancel\">Cancel</button> \
                   <button name=\"consent\" value=\"accept\">Accept</button>";
    let body = format!(
        "<p>{} would like to, in {}:</p><ul>{items}</ul>{}",
        escape(&asked.app),
        escape(organisation),
        form(&asked.tenant, query, buttons)
    );
    page(200, "Permissions requested", &body)
}

/// What cannot be told to the app.
pub fn error_page(words: &str) -> Answer {
    let body = format!(
        "<p>Sorry, but we're having trouble signing you in.</p><p>{}</p>",
        escape(words)
    );
    page(400, "Sign in", &body)
}

pub fn signed_out_page() -> Answer {
    page(200, "Signed out", "<p>You signed out of your account.</p>")
}

/// The answer as a form that the browser posts.
pub fn form_post_page(redirect_uri: &str, fields: &[(&str, &str)]) -> Answer {
    let mut inputs = String::new();
    for (name, value) in fields {
        let _ = write!(
            inputs,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            escape(name),
            escape(value)
        );
    }
    let body = format!(
        "<form method=\"post\" action=\"{}\">{inputs}<button>Continue</button></form>",
        escape(redirect_uri)
    );
    page(200, "Working...", &body)
}
