//! The one table of calls. A route cannot be written down without saying who may use it.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::MethodRouter;
use shared::domain::role::Role;
use utoipa_axum::router::UtoipaMethodRouter;
use utoipa_axum::routes;

use crate::AdminState;
use crate::access::{Access, authorize};
use crate::api;

/// A path with its methods, and who may use them.
pub struct Route {
    pub access: Access,
    pub spec: UtoipaMethodRouter<AdminState>,
}

fn route(access: Access, spec: UtoipaMethodRouter<AdminState>) -> Route {
    Route { access, spec }
}

const PUBLIC: Access = Access::Public;
const VIEWER: Access = Access::Needs(Role::Viewer);
const OPERATOR: Access = Access::Needs(Role::Operator);
const ADMIN: Access = Access::Needs(Role::Admin);

/// Every call there is.
pub fn table() -> Vec<Route> {
    vec![
        route(PUBLIC, routes!(api::healthz::healthz)),
        route(PUBLIC, routes!(api::openapi_json::openapi_json)),
        route(ADMIN, routes!(api::connection_create::create_connection)),
        route(VIEWER, routes!(api::connection_list::list_connections)),
        route(VIEWER, routes!(api::connection_read::read_connection)),
        route(ADMIN, routes!(api::connection_update::update_connection)),
        route(ADMIN, routes!(api::connection_delete::delete_connection)),
        route(OPERATOR, routes!(api::connection_pause::pause_part)),
        route(OPERATOR, routes!(api::connection_resume::resume_part)),
        route(ADMIN, routes!(api::connection_disable::disable_connection)),
        route(ADMIN, routes!(api::connection_enable::enable_connection)),
        route(ADMIN, routes!(api::connection_disconnect::disconnect_connection)),
        route(ADMIN, routes!(api::authorize::authorize_connection)),
        route(ADMIN, routes!(api::client_secret::replace_client_secret)),
        route(VIEWER, routes!(api::certificate_read::read_certificate)),
        route(VIEWER, routes!(api::certificate_pem::download_certificate)),
        route(ADMIN, routes!(api::certificate_upload::upload_certificate)),
        route(ADMIN, routes!(api::certificate_make::make_certificate)),
        route(ADMIN, routes!(api::certificate_activate::activate_certificate)),
        route(ADMIN, routes!(api::console_access_read::read_console_access)),
        route(ADMIN, routes!(api::console_access_write::write_console_access)),
        route(VIEWER, routes!(api::settings_read::read_settings)),
        route(ADMIN, routes!(api::settings_write::write_settings)),
        route(OPERATOR, routes!(api::sync_run_start::start_sync_run)),
        route(VIEWER, routes!(api::sync_run_list::list_sync_runs)),
        route(VIEWER, routes!(api::sync_run_read::read_sync_run)),
        route(VIEWER, routes!(api::operations::list_operations)),
        route(OPERATOR, routes!(api::sync_run_approve::approve_sync_run)),
        route(OPERATOR, routes!(api::sync_run_reject::reject_sync_run)),
        route(OPERATOR, routes!(api::sync_run_cancel::cancel_sync_run)),
        route(VIEWER, routes!(api::bindings::list_bindings)),
        route(VIEWER, routes!(api::person_presence_read::read_person_presence)),
        route(
            OPERATOR,
            routes!(api::person_presence_write::write_person_presence),
        ),
        route(
            OPERATOR,
            routes!(api::person_presence_write::forget_person_presence),
        ),
        route(VIEWER, routes!(api::shared_mailboxes::list_shared_mailboxes)),
        route(VIEWER, routes!(api::pbx_phonebooks::list_phonebooks)),
        route(
            OPERATOR,
            routes!(api::phonebook_visibility::write_phonebook_visibility),
        ),
        route(VIEWER, routes!(api::directory_groups::list_directory_groups)),
        route(VIEWER, routes!(api::explain::explain_person)),
        route(VIEWER, routes!(api::history::list_history)),
    ]
}

/// The calls as a router, each behind its role.
pub fn guarded(state: &AdminState) -> Router<AdminState> {
    table().into_iter().fold(Router::new(), |router, route| {
        let (_, paths, methods) = route.spec;
        let methods = guard(methods, route.access, state);
        paths
            .paths
            .keys()
            .fold(router, |router, path| router.route(path, methods.clone()))
    })
}

fn guard(methods: MethodRouter<AdminState>, access: Access, state: &AdminState) -> MethodRouter<AdminState> {
    match access {
        Access::Public => methods,
        // On the route alone: a method that is not offered stays a 405.
        Access::Needs(role) => methods.route_layer(from_fn_with_state((state.clone(), role), authorize)),
    }
}

/// Every method and path with who may use it, sorted.
pub fn listing() -> Vec<(String, String, Access)> {
    let mut listing: Vec<_> = table()
        .into_iter()
        .flat_map(|route| {
            let (_, paths, _) = route.spec;
            paths
                .paths
                .into_iter()
                .flat_map(move |(path, item)| {
                    crate::openapi::methods(&item)
                        .into_iter()
                        .map(move |method| (method.to_owned(), path.clone(), route.access))
                })
                .collect::<Vec<_>>()
        })
        .collect();
    listing.sort_by(|a, b| (&a.1, &a.0).cmp(&(&b.1, &b.0)));
    listing
}
