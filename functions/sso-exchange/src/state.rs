//! What the routes work on.

use std::sync::Arc;

use shared::ports::SideFactory;
use web::Door;

/// Everything that signing people in runs on. Cheap to clone.
#[derive(Clone)]
pub struct SsoState {
    /// Browsers to Microsoft and back.
    pub door: Door,
    /// The PBXs.
    pub sides: Arc<dyn SideFactory>,
}
