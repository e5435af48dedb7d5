//! What the functions that people meet with a browser share: cookies and sessions, languages, the look of a page, and the
//! headers that keep it to itself.
//!
//! | file | is for |
//! |---|---|
//! | `cookies` | cookies as they are sent: signed, `__Host-`, never readable by scripts |
//! | `sessions` | who a browser's session belongs to |
//! | `door` | a browser sent to Microsoft, and what comes back with it |
//! | `go_on` | the way from a form to another origin |
//! | `guard` | whether a request that changes something comes from a page of ours |
//! | `words` | every sentence in both languages |
//! | `sentences` | what the API says in English, in the language of a page |
//! | `page` | a page with its headers |
//! | `query` | parameters, each of which may come once |
//! | `return_to` | where to go on after a sign-in |

mod cookies;
mod door;
mod go_on;
mod guard;
mod page;
mod query;
mod return_to;
mod sentences;
mod sessions;
mod words;

pub use cookies::{CookieKind, clear_cookie, read_cookie, write_cookie};
pub use door::{Begin, CameBack, Door, DoorError, see_other, with_parameters};
pub use go_on::go_on;
pub use guard::{comes_from_another_site, csrf_token, csrf_token_is};
pub use page::{Link, Notice, Page, style_policy};
pub use query::{Twice, pairs};
pub use return_to::safe_path;
pub use sentences::Said;
pub use sessions::{Live, Sessions};
pub use words::{Language, Words};
