//! Signing people in with Microsoft: OpenID Connect, authorization code with PKCE. Nobody is believed before a signed
//! id_token says so, and nothing of one is believed before all of it was judged.
//!
//! | file | is for |
//! |---|---|
//! | `attempt` | one sign-in under way, bound to its browser |
//! | `discovery`, `keys`, `documents` | what the provider publishes, fetched seldom |
//! | `claims` | the judgement of an id_token |
//! | `exchange` | codes for tokens |
//! | `provider` | all of it for one tenant |

mod attempt;
mod claims;
mod discovery;
mod documents;
mod error;
mod exchange;
mod keys;
mod provider;
#[cfg(test)]
mod test_provider;

pub use attempt::{Attempt, BrowserSecret, challenge_of, random_word, word_hash};
pub use claims::{Groups, Identity, MAX_CLOCK_SKEW};
pub use error::{SsoError, TokenProblem};
pub use exchange::{CodeGrant, SignedIn};
pub use provider::{AuthorizeRequest, Client, Prompt, Provider, Providers};
