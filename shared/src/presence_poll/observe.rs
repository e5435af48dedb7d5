//! What people show in Teams: as few questions as there can be, several at once. What one of them brought counts, though
//! another failed: of whom nothing is known, nothing changes.

use std::collections::BTreeMap;

use futures::{StreamExt as _, stream};

use super::failure::Failure;
use crate::domain::ids::EntraUserId;
use crate::domain::presence::TeamsStatus;
use crate::ports::{DirectoryError, PRESENCES_AT_ONCE, TeamsPresence};

/// Enough that 100,000 people are asked about in twenty round trips; Graph takes fifty a second.
const SIDE_BY_SIDE: usize = 8;

/// What is known, and what went wrong.
#[derive(Debug, Default)]
pub(super) struct Observed {
    pub known: BTreeMap<EntraUserId, TeamsStatus>,
    pub failure: Option<Failure>,
}

pub(super) async fn observe(teams: &dyn TeamsPresence, people: &[EntraUserId]) -> Observed {
    let questions: Vec<Vec<EntraUserId>> = people.chunks(PRESENCES_AT_ONCE).map(<[_]>::to_vec).collect();
    stream::iter(questions)
        .map(|question| async move { teams.presences(&question).await })
        .buffer_unordered(SIDE_BY_SIDE)
        .fold(Observed::default(), |mut all, answer| async move {
            all.take(answer);
            all
        })
        .await
}

impl Observed {
    fn take(&mut self, answer: Result<BTreeMap<EntraUserId, TeamsStatus>, DirectoryError>) {
        match answer {
            Ok(known) => self.known.extend(known),
            Err(error) => {
                self.failure.get_or_insert_with(|| Failure::from(&error));
            }
        }
    }
}
