//! The handle on a simulated PBX: make it, run it, stop it. Looking into it is in `view`, changing it in
//! `portal`.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thiserror::Error;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::config::Config;
use super::envelope::Refusal;
use super::faults::Effects;
use super::hub::Delivery;
use super::state::State;
use super::{seed, server, webhooks};
use crate::clock::SimClock;

/// Why a PBX could not be made or started.
#[derive(Debug, Error)]
pub enum Error {
    /// A configured extension breaks a rule of the PBX.
    #[error("the configured extensions are refused: {0:?}")]
    Seed(Refusal),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        address: SocketAddr,
        #[source]
        source: std::io::Error,
    },
}

/// A simulated PBX.
pub struct Pbx {
    state: Mutex<State>,
    clock: SimClock,
    deliveries: Mutex<Option<mpsc::UnboundedReceiver<Delivery>>>,
}

/// A PBX that is being served. Dropping it stops the server.
pub struct Running {
    address: SocketAddr,
    pbx: Arc<Pbx>,
    /// Dropping it stops the server.
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// `http://address`, without a path.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn pbx(&self) -> Arc<Pbx> {
        Arc::clone(&self.pbx)
    }

    /// Stops serving and closes every connection; the state stays with whoever holds the [`Pbx`].
    pub async fn shutdown(self) {
        drop(self.stop);
        // The task ends by itself once told; it has no result.
        let _ = self.task.await;
    }
}

/// Counts a call as under way for as long as it lives.
pub struct InFlight(Arc<Pbx>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.counters.in_flight = state.counters.in_flight.saturating_sub(1);
    }
}

impl Pbx {
    /// A PBX that nobody serves yet.
    pub fn new(config: &Config) -> Result<Arc<Self>, Error> {
        let mut state = State::empty(config);
        seed::populate(&mut state, config).map_err(Error::Seed)?;
        let (queue, deliveries) = mpsc::unbounded_channel();
        state.hub.queue = Some(queue);
        Ok(Arc::new(Self {
            state: Mutex::new(state),
            clock: config.clock.clone(),
            deliveries: Mutex::new(Some(deliveries)),
        }))
    }

    /// Makes a PBX and serves it; port 0 takes any free one.
    pub async fn start(config: Config, listen: SocketAddr) -> Result<Running, Error> {
        Self::serve(Self::new(&config)?, listen).await
    }

    /// Serves a PBX, also one that was served before: that is a restart.
    pub async fn serve(pbx: Arc<Self>, listen: SocketAddr) -> Result<Running, Error> {
        let failed = |source| Error::Listen {
            address: listen,
            source,
        };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        pbx.ensure_deliveries();
        let (stop, told) = watch::channel(false);
        let task = tokio::spawn(server::accept(listener, Arc::clone(&pbx), told));
        Ok(Running {
            address,
            pbx,
            stop,
            task,
        })
    }

    /// Sets the PBX up anew where it stands, as its reset does: nothing of before is left, and keys start again.
    pub fn set_up_anew(&self, config: &Config) -> Result<(), Error> {
        let mut anew = State::empty(config);
        seed::populate(&mut anew, config).map_err(Error::Seed)?;
        let mut state = self.lock();
        anew.hub.queue = state.hub.queue.take();
        *state = anew;
        Ok(())
    }

    /// The clock that tokens and sockets expire by.
    pub fn clock(&self) -> &SimClock {
        &self.clock
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts delivering webhooks, once, from within a runtime.
    pub(super) fn ensure_deliveries(self: &Arc<Self>) {
        let queue = self
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(queue) = queue {
            tokio::spawn(webhooks::deliver(Arc::downgrade(self), queue));
        }
    }

    /// Counts a call that came in; what the script says about it, and the latency in milliseconds.
    pub(super) fn begin(self: &Arc<Self>, endpoint: &str) -> (InFlight, Effects, u64) {
        let mut state = self.lock();
        *state.counters.requests.entry(endpoint.to_owned()).or_default() += 1;
        state.counters.in_flight += 1;
        state.counters.in_flight_peak = state.counters.in_flight_peak.max(state.counters.in_flight);
        let effects = state.faults.take(endpoint);
        (InFlight(Arc::clone(self)), effects, state.settings.latency_ms)
    }
}
