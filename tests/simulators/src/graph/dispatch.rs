//! From a route to what answers it.

use super::answer::{Answer, ApiError};
use super::call::Call;
use super::context::Context;
use super::properties::EntityType::{Group, User};
use super::routes::Route;
use super::{delta, list, mailbox_routes, members, objects, presence};

pub fn dispatch(context: &Context, call: &Call, route: &Route) -> Result<Answer, ApiError> {
    match route {
        Route::List(entity) => list::list(context, call, *entity),
        Route::Count(entity) => list::count(context, call, *entity),
        Route::Delta(entity) => delta::delta(context, call, *entity),
        Route::User(key) => list::single(context, call, User, key),
        Route::Group(key) => list::single(context, call, Group, key),
        Route::Members(path) => members::list(context, call, path),
        Route::GetByIds => objects::get_by_ids(context, call),
        Route::DeletedUsers => objects::deleted_users(context, call),
        Route::DeletedItem(key) => objects::deleted_item(context, call, key),
        Route::Applications => objects::applications(context, call),
        Route::Application(key) => objects::application(context, call, key),
        Route::Organization => Ok(objects::organization(context)),
        Route::Presences => presence::by_ids(context, call),
        Route::Presence(key) => presence::single(context, key),
        Route::Mailbox(path) => mailbox_routes::read(context, call, path),
        // Those that change something are answered before a read-only view of the world is made.
        Route::Subscriptions => Err(ApiError::bad_request("Subscriptions are not read here.")),
        Route::Batch => Err(ApiError::bad_request("A batch cannot contain a batch.")),
    }
}
