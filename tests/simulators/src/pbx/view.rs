//! What a test may look at. Everything is a copy: looking never holds the lock.

use super::Pbx;
use super::call::Application;
use super::contacts::Contact;
use super::extension::Extension;
use super::groups::Group;
use super::hub::Delivered;
use super::linkus;
use super::organizations::Organization;
use super::phonebooks::Phonebook;
use super::presence::{self, CallEnd, Caller};
use super::state::{Counters, Mail, Write};

impl Pbx {
    pub fn extensions(&self) -> Vec<Extension> {
        self.lock().extensions.iter().cloned().collect()
    }

    pub fn extension(&self, number: &str) -> Option<Extension> {
        let state = self.lock();
        state
            .extensions
            .get(state.extensions.id_of_number(number)?)
            .cloned()
    }

    /// Where a call to this extension goes now.
    pub fn call(&self, number: &str, caller: Caller) -> Option<CallEnd> {
        self.extension(number)
            .map(|extension| presence::handle_call(&extension, caller))
    }

    pub fn groups(&self) -> Vec<(u32, Group)> {
        self.lock()
            .groups
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    pub fn organizations(&self) -> Vec<(u32, Organization)> {
        self.lock()
            .organizations
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    pub fn contacts(&self) -> Vec<(u32, Contact)> {
        self.lock()
            .contacts
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    pub fn phonebooks(&self) -> Vec<(u32, Phonebook)> {
        self.lock()
            .phonebooks
            .rows
            .iter()
            .map(|(id, row)| (*id, row.clone()))
            .collect()
    }

    /// Mails sent so far.
    pub fn outbox(&self) -> Vec<Mail> {
        self.lock().outbox.clone()
    }

    /// All counters at once.
    pub fn counters(&self) -> Counters {
        self.lock().counters.clone()
    }

    /// Calls of one endpoint since the last reset.
    pub fn requests(&self, endpoint: &str) -> u64 {
        self.lock().counters.requests.get(endpoint).copied().unwrap_or(0)
    }

    /// Changes made through the API since the last reset.
    pub fn writes(&self) -> Vec<Write> {
        self.lock().counters.writes.clone()
    }

    pub fn reset_counters(&self) {
        self.lock().counters.reset();
    }

    /// What became of webhook messages.
    pub fn delivered(&self) -> Vec<Delivered> {
        self.lock().hub.delivered.clone()
    }

    /// Event sockets open now.
    pub fn subscribers(&self) -> usize {
        self.lock().hub.subscribers()
    }

    /// Access tokens that live, of both applications.
    pub fn sessions(&self) -> usize {
        let mut state = self.lock();
        let now = state.clock.now();
        state.tokens.prune(now);
        let held = |application| state.tokens.held(application);
        held(Application::Api) + held(Application::Sdk)
    }

    /// The number of the extension that a login signature lets in now.
    pub fn sign_opens(&self, sign: &str) -> Option<String> {
        linkus::opens(&self.lock(), sign)
    }
}
