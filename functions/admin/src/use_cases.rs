//! What this function asks of `shared::sync_run`; the rest of it is the table.

pub use shared::domain::schedule::next_run;
pub use shared::sync_run::Engine;
pub use shared::sync_run::approval::{VerdictError, approve, cancel, reject};
pub use shared::sync_run::contact_pickers::{
    Phonebook, PickError, SharedMailboxes, phonebook_sizes, phonebooks, shared_mailboxes,
};
pub use shared::sync_run::explain::{ExplainError, Explanation, RuleResult, explain};
pub use shared::sync_run::lifecycle::{
    LifecycleError, after_save, disable, disconnect, enable, follow, pause, resume,
};
pub use shared::sync_run::request::{RequestError, request_run};
pub use shared::sync_run::visibility::{KeptPhonebook, VisibilityError, kept_phonebooks, say_shown};
