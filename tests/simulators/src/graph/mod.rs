//! Microsoft Graph and the Microsoft sign-in host, as far as a directory connector meets them. One port
//! serves both: `/v1.0/...` is Graph, `/{tenant}/oauth2/...` and its like are sign-in, `/_sim/...` is for
//! whoever runs the simulation. It keeps the published rules and limits, the unpleasant ones above all.
//!
//! | part | files |
//! |---|---|
//! | what is remembered | `config`, `build`, `tenant`, `directory`, `changes`, `dynamic`, `seed` |
//! | one request through it | `server`, `world`, `call`, `routes`, `dispatch`, `context`, `answer` |
//! | sign-in of apps | `sign_in`, `assertion`, `sign_in_error`, `discovery`, `keys`, `certificate`, `bearer` |
//! | sign-in of people | `authorize`, `sign_in_pages`, `grants`, `id_token` |
//! | users and groups | `list`, `members`, `objects`, `properties`, `select`, `filter`, `filter_parser`, `filter_text`, `order`, `search`, `paging` |
//! | mailboxes | `mailbox`, `mailbox_routes`, `mailbox_limits` |
//! | delta | `delta`, `delta_groups`, `delta_token`, `seal` |
//! | change notifications | `subscription`, `subscription_routes`, `notify`, `deliver`, `receivers` |
//! | Teams presence | `presence`, `working_day` |
//! | limits and trouble | `throttle`, `batch`, `faults`, `scripted`, `behaviour` |
//! | the administrator | `admin`, `admin_people`, `admin_apps`, `admin_presence`, `admin_mailboxes`, `admin_mailbox_http`, `admin_simulation`, `admin_http`, `request_log` |

mod admin;
mod admin_apps;
mod admin_http;
mod admin_mailbox_http;
mod admin_mailboxes;
mod admin_people;
mod admin_presence;
mod admin_simulation;
mod answer;
mod assertion;
mod authorize;
mod batch;
mod bearer;
mod behaviour;
mod build;
mod call;
mod certificate;
mod changes;
mod config;
mod context;
mod deliver;
mod delta;
mod delta_groups;
mod delta_token;
mod directory;
mod discovery;
mod dispatch;
mod dynamic;
mod faults;
mod filter;
mod filter_parser;
mod filter_text;
mod grants;
mod id_token;
mod keys;
mod list;
mod mailbox;
mod mailbox_limits;
mod mailbox_routes;
mod members;
mod notify;
mod objects;
mod order;
mod paging;
mod presence;
mod properties;
mod receivers;
mod request_log;
mod routes;
mod scripted;
mod seal;
mod search;
mod seed;
mod select;
mod server;
mod sign_in;
mod sign_in_error;
mod sign_in_pages;
mod subscription;
mod subscription_routes;
mod tenant;
mod throttle;
mod working_day;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

pub use self::admin::AdminError;
pub use self::admin_mailboxes::MailboxChange;
pub use self::behaviour::{
    Behaviour, DeltaPolicy, ExpiredForm, InnerErrorSpelling, NotificationPolicy, PresencePolicy,
    RetryAfterForm, ThrottlePolicy,
};
pub use self::config::{
    AppConfig, CONNECTOR_ROLES, Config, GroupConfig, SecretConfig, TenantConfig, UserConfig,
};
pub use self::directory::{OtherObject, Props};
pub use self::faults::{Fault, FaultKind};
pub use self::id_token::IdTokenChange;
pub use self::mailbox::{Mailbox, MailboxState};
pub use self::mailbox_limits::MailboxPolicy;
pub use self::request_log::LoggedRequest;
pub use self::seed::{DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, DEMO_TENANT_ID};
pub use self::server::{Running, router};
pub use self::tenant::Certificate;

use self::call::Call;
use self::world::{Moment, Reply, World};
use crate::clock::SimClock;

/// The simulated cloud.
pub struct Graph {
    clock: SimClock,
    world: Mutex<World>,
    origin: RwLock<String>,
    http: reqwest::Client,
}

impl Graph {
    pub fn new(config: Config) -> Self {
        Self {
            clock: config.clock.clone(),
            world: Mutex::new(World::new(config)),
            origin: RwLock::default(),
            http: reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .unwrap_or_default(),
        }
    }

    /// Listens at this address; port 0 takes a free one.
    pub async fn start(config: Config, listen: SocketAddr) -> io::Result<Running> {
        Running::start(config, listen).await
    }

    /// Scheme, host and port that clients reach us at; links and issuers are made of it.
    pub fn set_origin(&self, origin: String) {
        *self.origin.write().unwrap_or_else(PoisonError::into_inner) = origin;
    }

    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    fn http(&self) -> &reqwest::Client {
        &self.http
    }

    fn moment(&self) -> Moment {
        let origin = self.origin.read().unwrap_or_else(PoisonError::into_inner).clone();
        Moment {
            now: self.clock.now(),
            origin,
        }
    }

    fn reply(&self, call: &Call) -> Reply {
        let moment = self.moment();
        self.lock().reply(call, &moment)
    }

    fn leave(&self, visits: &[mailbox_limits::Visit]) {
        let mut world = self.lock();
        for visit in visits {
            world.mailbox_limits.leave(visit);
        }
    }

    /// A panic in another thread leaves the world as it was after the last finished step: usable.
    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
