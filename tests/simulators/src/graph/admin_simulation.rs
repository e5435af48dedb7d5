//! What whoever runs the simulation may script and see: time, switches, faults and the requests so far.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Graph;
use super::behaviour::Behaviour;
use super::faults::Fault;
use super::request_log::LoggedRequest;

impl Graph {
    pub fn advance(&self, by: Duration) {
        self.clock().advance(by);
    }

    pub fn behaviour(&self) -> Behaviour {
        self.lock().behaviour.clone()
    }

    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.lock().behaviour = behaviour;
    }

    pub fn add_fault(&self, fault: Fault) {
        self.lock().faults.waiting.push(fault);
    }

    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.waiting.clone()
    }

    pub fn clear_faults(&self) {
        self.lock().faults.waiting.clear();
    }

    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.lock().log.entries.iter().cloned().collect()
    }

    /// By method and path with ids replaced, e.g. `GET /v1.0/users/{id}`.
    pub fn request_counts(&self) -> BTreeMap<String, u64> {
        self.lock().log.counts.clone()
    }

    pub fn clear_requests(&self) {
        self.lock().log.clear();
    }
}
