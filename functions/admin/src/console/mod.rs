//! The console: its door, and the pages behind it. A page cannot be written down without saying who may see it.

mod access;
mod alerts;
mod assets;
mod bound;
mod callback;
mod certificate;
mod connect;
mod connection;
mod error;
mod fields;
mod fleet;
mod form;
mod frame;
mod guard;
mod health;
mod history;
pub mod member;
mod names;
mod offers;
mod overview;
mod own_page;
mod pbx_access;
mod people;
mod person;
mod person_presence;
mod phonebooks;
mod pick;
mod picked;
mod problem_words;
mod run;
mod runs;
mod secret;
#[cfg(test)]
mod sentences_tests;
mod settings_form;
mod setup;
mod sign_in;
mod sign_out;
mod switches;
mod tokens;
mod way_in;
#[cfg(test)]
mod words_tests;
mod zone;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{MethodRouter, get, post};
use shared::domain::role::Role;

use crate::AdminState;
use crate::access::Access;

/// Registered with the app.
pub const CALLBACK: &str = "/console/callback";
/// The way in.
pub const SIGN_IN: &str = "/console/sign-in";
/// On to Microsoft.
pub const MICROSOFT: &str = "/console/sign-in/microsoft";

/// A page or a form behind the door.
struct Behind {
    method: &'static str,
    path: &'static str,
    needs: Role,
    handler: MethodRouter<AdminState>,
}

macro_rules! behind {
    ($($method:ident $needs:ident $path:literal => $handler:path;)*) => {
        vec![$(Behind {
            method: stringify!($method),
            path: $path,
            needs: Role::$needs,
            handler: $method($handler),
        }),*]
    };
}

/// Every page and form behind the door.
fn table() -> Vec<Behind> {
    behind! {
        get Viewer "/console" => fleet::fleet;
        get Admin "/console/connect" => connect::ask;
        post Admin "/console/connect" => connect::connect;
        get Admin "/console/tokens" => tokens::tokens;
        post Admin "/console/tokens" => tokens::change;
        get Viewer "/console/connections/{id}" => connection::connection;
        get Admin "/console/connections/{id}/setup" => setup::setup;
        post Admin "/console/connections/{id}/authorize" => setup::authorize;
        post Admin "/console/connections/{id}/settings/{section}" => connection::save_section;
        post Admin "/console/connections/{id}/pick/{section}" => pick::pick;
        get Admin "/console/connections/{id}/client-secret" => secret::ask;
        post Admin "/console/connections/{id}/client-secret" => secret::save;
        get Admin "/console/connections/{id}/pbx-access" => pbx_access::ask;
        post Admin "/console/connections/{id}/pbx-access" => pbx_access::save;
        get Admin "/console/connections/{id}/certificate" => certificate::certificate;
        post Admin "/console/connections/{id}/certificate" => certificate::change;
        get Operator "/console/connections/{id}/pause/{part}" => switches::ask_pause;
        post Operator "/console/connections/{id}/pause/{part}" => switches::pause;
        post Operator "/console/connections/{id}/resume/{part}" => switches::resume;
        get Admin "/console/connections/{id}/disable" => switches::ask_disable;
        post Admin "/console/connections/{id}/disable" => switches::disable;
        post Admin "/console/connections/{id}/enable" => switches::enable;
        get Admin "/console/connections/{id}/disconnect" => switches::ask_disconnect;
        post Admin "/console/connections/{id}/disconnect" => switches::disconnect;
        get Admin "/console/connections/{id}/delete" => switches::ask_delete;
        post Admin "/console/connections/{id}/delete" => switches::delete;
        get Viewer "/console/connections/{id}/runs" => runs::runs;
        post Operator "/console/connections/{id}/runs" => runs::start;
        get Viewer "/console/connections/{id}/runs/{run}" => run::run;
        get Viewer "/console/connections/{id}/runs/{run}/progress" => run::progress;
        post Operator "/console/connections/{id}/runs/{run}/{verdict}" => run::verdict;
        get Viewer "/console/connections/{id}/people" => people::people;
        get Viewer "/console/connections/{id}/people/{user}" => person::person;
        post Operator "/console/connections/{id}/people/{user}/presence" => person_presence::save;
        get Viewer "/console/connections/{id}/groups" => bound::groups;
        get Viewer "/console/connections/{id}/contacts" => bound::contacts;
        get Viewer "/console/connections/{id}/phonebooks" => phonebooks::phonebooks;
        post Operator "/console/connections/{id}/phonebooks" => phonebooks::change;
        get Viewer "/console/connections/{id}/history" => history::history;
        get Viewer "/console/connections/{id}/health" => health::health;
        get Viewer "/console/connections/{id}/alerts" => alerts::alerts;
        post Admin "/console/connections/{id}/alerts" => alerts::change;
        post Admin "/console/connections/{id}/alerts/test" => alerts::try_out;
        post Admin "/console/connections/{id}/alerts/secret" => alerts::renew;
        get Admin "/console/connections/{id}/access" => access::access;
        post Admin "/console/connections/{id}/access" => access::change;
    }
}

/// Method, path and who may use it, of everything behind the door.
pub fn listing() -> Vec<(String, String, Access)> {
    let told = |page: Behind| {
        (
            page.method.to_uppercase(),
            page.path.to_owned(),
            Access::Needs(page.needs),
        )
    };
    table().into_iter().map(told).collect()
}

/// The door, and what is behind it, each behind its role.
pub fn routes(state: &AdminState) -> Router<AdminState> {
    let door = Router::new()
        .route("/", get(|| async { Redirect::to("/console") }))
        .route("/console/assets/console.js", get(assets::script))
        .route(SIGN_IN, get(sign_in::page).post(sign_in::with_token))
        .route(MICROSOFT, get(sign_in::microsoft))
        .route(CALLBACK, get(callback::callback))
        .route("/console/sign-out", post(sign_out::sign_out));
    table().into_iter().fold(door, |router, page| {
        // On the route alone: a method that is not offered stays a 405.
        let guarded = from_fn_with_state((state.clone(), page.needs), guard::guard);
        router.route(page.path, page.handler.route_layer(guarded))
    })
}
