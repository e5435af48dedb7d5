//! Everything that is remembered, and one request through it. All of it is behind one lock, so a request
//! sees one state from start to end.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::answer::{Answer, ApiError, RequestIds};
use super::batch;
use super::bearer;
use super::behaviour::{Behaviour, InnerErrorSpelling};
use super::call::Call;
use super::config::Config;
use super::context::{Caller, Context};
use super::discovery;
use super::dispatch::dispatch;
use super::faults::{FaultKind, FaultList};
use super::mailbox_limits::{MailboxLimits, Visit};
use super::mailbox_routes::{self, MailboxPath};
use super::notify::{Delivery, Outbox};
use super::request_log::{LoggedRequest, RequestLog};
use super::routes::Route;
use super::scripted::{scripted, sign_in_fault};
use super::seal::Sealer;
use super::sign_in::SignIn;
use super::sign_in_error::{SignInError, Trace};
use super::subscription_routes::{Desk, Handshake, Subscriptions};
use super::tenant::Tenant;
use super::throttle::{Charge, Throttle};

pub struct World {
    pub tenants: BTreeMap<String, Tenant>,
    pub behaviour: Behaviour,
    pub faults: FaultList,
    pub log: RequestLog,
    pub rng: ChaCha8Rng,
    pub subscriptions: Subscriptions,
    pub outbox: Outbox,
    pub mailbox_limits: MailboxLimits,
    /// Mailboxes that the present request is at.
    visits: Vec<Visit>,
    throttle: Throttle,
    sealer: Sealer,
    errors: u64,
}

/// When and where a request is answered.
#[derive(Clone, Debug)]
pub struct Moment {
    pub now: Timestamp,
    pub origin: String,
}

/// How the answer reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    Whole,
    Dropped,
    Truncated,
}

#[derive(Clone, Debug)]
pub struct Reply {
    pub answer: Answer,
    pub delay_ms: u64,
    pub ending: Ending,
    /// To be done before the answer is given.
    pub handshake: Option<Handshake>,
    /// Mailboxes that are used until the answer is given.
    pub visits: Vec<Visit>,
}

impl World {
    pub fn new(config: Config) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(config.seed ^ 0x5eed);
        let mut secret = [0; 32];
        rng.fill_bytes(&mut secret);
        let now = config.clock.now();
        let tenants = config.tenants.into_iter().enumerate().map(|(number, tenant)| {
            let tenant = tenant.build(number, now, &mut rng);
            (tenant.id.clone(), tenant)
        });
        Self {
            tenants: tenants.collect(),
            behaviour: config.behaviour,
            faults: FaultList::default(),
            log: RequestLog::default(),
            subscriptions: Subscriptions::default(),
            outbox: Outbox::default(),
            throttle: Throttle::default(),
            mailbox_limits: MailboxLimits::default(),
            visits: Vec::new(),
            sealer: Sealer::new(&secret),
            errors: 0,
            rng,
        }
    }

    pub fn new_id(&mut self) -> Uuid {
        random_id(&mut self.rng)
    }

    /// A request from the network.
    pub fn reply(&mut self, call: &Call, moment: &Moment) -> Reply {
        let delay = SignedDuration::from_secs(self.behaviour.dynamic_group_delay_seconds);
        for tenant in self.tenants.values_mut() {
            tenant.directory.settle(moment.now);
            tenant.directory.settle_dynamic(moment.now, delay);
        }
        let fault = self.faults.take(call);
        let mut reply = Reply {
            answer: Answer::empty(503),
            delay_ms: self.behaviour.latency_ms,
            ending: Ending::Whole,
            handshake: None,
            visits: Vec::new(),
        };
        self.subscriptions.handshake = None;
        match &fault {
            Some(FaultKind::Drop) => reply.ending = Ending::Dropped,
            Some(FaultKind::Truncate) => reply.ending = Ending::Truncated,
            Some(FaultKind::Delay { ms }) => reply.delay_ms += ms,
            _ => {}
        }
        reply.answer = if reply.ending == Ending::Dropped {
            self.note(call, 0, None, false, moment);
            Answer::empty(502)
        } else {
            self.answer(call, fault.as_ref(), moment, false)
        };
        reply.handshake = self.subscriptions.handshake.take();
        reply.visits = std::mem::take(&mut self.visits);
        if let (Some(FaultKind::Behind), super::answer::Payload::Json(body)) =
            (&fault, &mut reply.answer.payload)
            && let Some(found) = body.get_mut("value")
        {
            *found = serde_json::json!([]);
        }
        if matches!(fault, Some(FaultKind::BadJson)) {
            reply.answer.payload =
                super::answer::Payload::Text("application/json", "{\"value\": [ {".to_owned());
        }
        reply
    }

    fn answer(&mut self, call: &Call, fault: Option<&FaultKind>, moment: &Moment, in_batch: bool) -> Answer {
        if call.segments.first().map(String::as_str) != Some("v1.0") {
            let answer = self.sign_in(call, fault, moment);
            self.note(call, answer.status, None, in_batch, moment);
            return answer;
        }
        let ids = self.ids(call, moment);
        let mut caller = None;
        let scripted = fault.and_then(scripted);
        let outcome = match scripted {
            Some(outcome) => outcome,
            None => self.graph(call, fault, (moment, in_batch), &mut caller),
        };
        let answer = outcome.unwrap_or_else(|error| {
            self.errors += 1;
            error.into_answer(&ids)
        });
        self.note(call, answer.status, caller.as_ref(), in_batch, moment);
        answer
            .header("request-id", ids.request)
            .header("client-request-id", ids.client)
            .header("x-ms-ags-diagnostic", DIAGNOSTIC)
    }

    fn graph(
        &mut self,
        call: &Call,
        fault: Option<&FaultKind>,
        (moment, in_batch): (&Moment, bool),
        known: &mut Option<Caller>,
    ) -> Result<Answer, ApiError> {
        let about_presence = Route::find(call, call.segments.get(1..).unwrap_or_default())
            .is_ok_and(|route| route.is_presence());
        let in_its_words = |error: ApiError| {
            if about_presence {
                error.in_plain_words()
            } else {
                error
            }
        };
        let caller = bearer::caller(&self.tenants, call, moment.now).map_err(in_its_words)?;
        *known = Some(caller.clone());
        let route = Route::find(call, call.segments.get(1..).unwrap_or_default())?;
        if route == Route::Batch {
            return if in_batch {
                Err(ApiError::bad_request("A batch cannot contain a batch."))
            } else {
                self.batch(call, moment)
            };
        }
        if route == Route::Subscriptions {
            return self.subscriptions(call, &caller, (moment, in_batch));
        }
        if let Route::Mailbox(path) = &route {
            self.visit(&caller, path, moment)?;
        }
        let charge = if about_presence {
            self.charge_presence(&caller, moment)?
        } else {
            self.charge(&caller, &route, call, moment)?
        };
        if let Route::Mailbox(path) = &route
            && !caller.has_any(path.roles())
        {
            return Err(mailbox_routes::denied());
        }
        if !caller.has_any(route.roles()) {
            return Err(in_its_words(ApiError::denied()));
        }
        let tenant = self
            .tenants
            .get(&caller.tenant)
            .ok_or_else(|| ApiError::unauthenticated("Invalid tenant."))?;
        let context = Context {
            tenant,
            caller: &caller,
            behaviour: &self.behaviour,
            sealer: &self.sealer,
            now: moment.now,
            origin: &moment.origin,
            other_host: matches!(fault, Some(FaultKind::NextlinkOtherHost)),
            expire_delta: match fault {
                Some(FaultKind::ExpireDelta { form }) => Some(*form),
                _ => None,
            },
        };
        dispatch(&context, call, &route).map(|answer| charge.describe(answer))
    }

    fn subscriptions(
        &mut self,
        call: &Call,
        caller: &Caller,
        (moment, in_batch): (&Moment, bool),
    ) -> Result<Answer, ApiError> {
        let new_id = self.new_id();
        let tenant = self.tenants.get(&caller.tenant);
        let directory = tenant.map(|tenant| &tenant.directory);
        let desk = Desk {
            caller,
            principal: tenant
                .and_then(|tenant| tenant.apps.get(&caller.app))
                .map_or(new_id, |app| app.principal_id),
            new_id,
            logs: directory.map_or((0, 0), |all| (all.users.log.len(), all.groups.log.len())),
            moment,
            in_batch,
        };
        self.subscriptions.answer(call, &desk)
    }

    /// Everything that happened so far goes into deliveries.
    pub fn fill_outbox(&mut self, now: Timestamp) {
        let delay = SignedDuration::from_secs(self.behaviour.dynamic_group_delay_seconds);
        for tenant in self.tenants.values_mut() {
            tenant.directory.settle(now);
            tenant.directory.settle_dynamic(now, delay);
        }
        let policy = self.behaviour.notifications.clone();
        let making = (&policy, &mut self.rng);
        self.outbox
            .fill(&mut self.subscriptions, &self.tenants, making, now);
    }

    /// Deliveries that are due.
    pub fn take_due(&mut self, now: Timestamp) -> Vec<Delivery> {
        self.outbox.take_due(now, &self.tenants, &self.subscriptions)
    }

    /// A mailbox takes so many at once from one app, whoever asks for what in it.
    fn visit(&mut self, caller: &Caller, path: &MailboxPath, moment: &Moment) -> Result<(), ApiError> {
        let tenant = self.tenants.get(&caller.tenant);
        let Some(user) = tenant.and_then(|tenant| tenant.directory.find_user(&path.user)) else {
            return Ok(());
        };
        let visit = (caller.app.clone(), user);
        self.mailbox_limits
            .enter(&self.behaviour.mailboxes, &visit, moment.now)?;
        self.visits.push(visit);
        Ok(())
    }

    /// The Outlook service has limits of its own.
    fn charge(
        &mut self,
        caller: &Caller,
        route: &Route,
        call: &Call,
        moment: &Moment,
    ) -> Result<Charge, ApiError> {
        if matches!(route, Route::Mailbox(_)) {
            return Ok(Charge::none());
        }
        let units = route.cost(call);
        let tenant = self.tenants.get(&caller.tenant);
        let users = tenant.map_or(0, |tenant| tenant.directory.users.live.len());
        let policy = &self.behaviour.throttle;
        let charge = self.throttle.charge(policy, caller, (units, users), moment.now);
        charge.refusal(policy, caller).map_or(Ok(charge), Err)
    }

    fn charge_presence(&mut self, caller: &Caller, moment: &Moment) -> Result<Charge, ApiError> {
        let policy = &self.behaviour.throttle;
        let charge = self.throttle.charge_presence(policy, caller, moment.now);
        charge.refusal(policy, caller).map_or(Ok(charge), Err)
    }

    fn batch(&mut self, outer: &Call, moment: &Moment) -> Result<Answer, ApiError> {
        let mut statuses = BTreeMap::new();
        let mut responses: Vec<Value> = Vec::new();
        for one in batch::read(outer)? {
            let answer = match (batch::failed_dependency(&one, &statuses), &one.call) {
                (Some(error), _) => error.into_answer(&self.ids(outer, moment)),
                (None, Err(error)) => error.clone().into_answer(&self.ids(outer, moment)),
                (None, Ok(call)) => {
                    let fault = self.faults.take(call);
                    self.answer(call, fault.as_ref(), moment, true)
                }
            };
            statuses.insert(one.id.clone(), answer.status);
            responses.push(batch::response(&one.id, answer));
        }
        if self.behaviour.shuffle_batches {
            self.shuffle(&mut responses);
        }
        Ok(Answer::json(json!({ "responses": responses })))
    }

    fn shuffle(&mut self, items: &mut [Value]) {
        for end in (1..items.len()).rev() {
            let other = below(&mut self.rng, end + 1);
            items.swap(end, other);
        }
    }

    fn sign_in(&mut self, call: &Call, fault: Option<&FaultKind>, moment: &Moment) -> Answer {
        let lifetime = i64::try_from(below(&mut self.rng, 1801)).unwrap_or_default() + 3599;
        let (token_id, trace, correlation) = (self.new_id(), self.new_id(), self.new_id());
        let trace = Trace {
            id: trace.to_string(),
            correlation: call
                .header("client-request-id")
                .map_or_else(|| correlation.to_string(), str::to_owned),
            at: moment.now,
            origin: moment.origin.clone(),
        };
        match fault {
            Some(FaultKind::SignIn { code }) => {
                return SignInError::new(*code, String::new()).into_answer(&trace);
            }
            Some(fault) if let Some(outcome) = scripted(fault) => return sign_in_fault(outcome, &trace),
            _ => {}
        }
        if let Some(answer) = self.people(call, moment, &trace) {
            return answer.header("x-ms-request-id", trace.id);
        }
        let desk = SignIn {
            tenants: &self.tenants,
            origin: &moment.origin,
            now: moment.now,
            lifetime_seconds: lifetime,
            token_id,
        };
        let parts: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        let outcome = match (call.method.as_str(), parts.as_slice()) {
            ("POST", [tenant, "oauth2", "v2.0", "token"]) => desk.token(tenant, call),
            ("GET", [tenant, "v2.0", ".well-known", "openid-configuration"]) => {
                discovery::document(&desk, tenant)
            }
            ("GET", [tenant, "discovery", "v2.0", "keys"]) => discovery::keys(&desk, tenant),
            (_, [_, "oauth2", "v2.0", "token"]) => Ok(Answer::empty(405)),
            _ => Ok(Answer::empty(404)),
        };
        outcome
            .unwrap_or_else(|error| error.into_answer(&trace))
            .header("x-ms-request-id", trace.id)
    }

    /// The answer to a request whose handshake failed.
    pub fn refuse(&mut self, error: ApiError, call: &Call, moment: &Moment) -> Answer {
        let ids = self.ids(call, moment);
        error
            .into_answer(&ids)
            .header("request-id", ids.request)
            .header("client-request-id", ids.client)
    }

    fn ids(&mut self, call: &Call, moment: &Moment) -> RequestIds {
        let request = self.new_id().to_string();
        let spelling = match self.behaviour.inner_error {
            InnerErrorSpelling::Alternate if self.errors % 2 == 1 => InnerErrorSpelling::Lower,
            InnerErrorSpelling::Alternate => InnerErrorSpelling::Upper,
            chosen => chosen,
        };
        let client = call
            .header("client-request-id")
            .map_or_else(|| request.clone(), str::to_owned);
        RequestIds {
            request,
            client,
            at: moment.now,
            spelling,
        }
    }

    fn note(&mut self, call: &Call, status: u16, caller: Option<&Caller>, in_batch: bool, moment: &Moment) {
        let entry = LoggedRequest {
            number: 0,
            at: moment.now.to_string(),
            method: call.method.to_string(),
            path: call.path.clone(),
            query: Vec::new(),
            status,
            tenant: caller.map(|caller| caller.tenant.clone()),
            app: caller.map(|caller| caller.app.clone()),
            in_batch,
        };
        self.log.add(call, entry);
    }
}

const DIAGNOSTIC: &str = r#"{"ServerInfo":{"DataCenter":"West Europe","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"SIM"}}"#;

/// A random version 4 id that repeats with the seed.
pub fn random_id(rng: &mut ChaCha8Rng) -> Uuid {
    let mut bytes = [0; 16];
    rng.fill_bytes(&mut bytes);
    uuid::Builder::from_random_bytes(bytes).into_uuid()
}

/// A number in `0..end`; `end` is small against 2^64, so the bias does not show.
pub fn below(rng: &mut ChaCha8Rng, end: usize) -> usize {
    let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
    usize::try_from(rng.next_u64() % end).unwrap_or_default()
}
