//! Who is in which group, nested groups included. Twenty pages travel in one call whenever more than one is wanted.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::future::try_join_all;

use reqwest::Method;

use super::batch::{BATCH_SIZE, PartAnswer};
use super::client::{Call, GraphClient};
use super::error::{Failure, unexpected};
use super::links::below;
use super::members::{Part, Step, member_page};
use super::retry::{Patience, delay};
use crate::domain::ids::EntraGroupId;
use crate::ports::{DirectoryError, GroupMembers};

/// The permission that every read of groups needs in this product.
pub(super) const PERMISSION: &str = "Group.Read.All";
const DOING: &str = "reading group members";
/// Full batches on their way at once: enough to hide the round trips, far from the limit of resource units.
const BATCHES_AT_ONCE: usize = 4;

impl GraphClient {
    pub(super) async fn read_group_members(
        &self,
        groups: &BTreeSet<EntraGroupId>,
    ) -> Result<BTreeMap<EntraGroupId, GroupMembers>, DirectoryError> {
        let patience = self.patience();
        let mut answer: BTreeMap<_, _> = groups
            .iter()
            .map(|group| (*group, GroupMembers::People(BTreeSet::new())))
            .collect();
        let mut waiting: VecDeque<Part> = groups.iter().map(|group| Part::first(*group)).collect();
        let mut setbacks = 0;
        while !waiting.is_empty() {
            let mut held_back = None;
            for (part, step) in self.read_round_of_parts(&mut waiting, &patience).await? {
                match step {
                    Step::Page(page) => {
                        let next = page.next_link.clone();
                        part.keep(page.items, &mut answer);
                        waiting.extend(self.continued(part, next)?);
                    }
                    Step::NoSuchGroup => {
                        answer.insert(part.group, GroupMembers::NoSuchGroup);
                    }
                    Step::Again(advised) => {
                        held_back = held_back.max(Some(advised));
                        waiting.push_back(part);
                    }
                }
            }
            if let Some(advised) = held_back {
                // The next call waits for this and ends the read when that takes too long.
                self.hold_everybody(delay(setbacks, advised));
                setbacks += 1;
            }
        }
        Ok(answer)
    }

    /// Sends what fills whole batches, or else the rest.
    async fn read_round_of_parts(
        &self,
        waiting: &mut VecDeque<Part>,
        patience: &Patience,
    ) -> Result<Vec<(Part, Step)>, DirectoryError> {
        if let [_] = waiting.make_contiguous() {
            let part = waiting.pop_front().ok_or_else(|| unexpected(DOING.to_owned()))?;
            let step = self.read_single(&part, patience).await?;
            return Ok(vec![(part, step)]);
        }
        let whole = (waiting.len() / BATCH_SIZE).min(BATCHES_AT_ONCE);
        let count = if whole == 0 {
            waiting.len()
        } else {
            whole * BATCH_SIZE
        };
        let parts: Vec<Part> = waiting.drain(..count).collect();
        let answers = try_join_all(
            parts
                .chunks(BATCH_SIZE)
                .map(|chunk| self.read_batch(chunk, patience)),
        )
        .await?;
        Ok(parts.into_iter().zip(answers.into_iter().flatten()).collect())
    }

    async fn read_single(&self, part: &Part, patience: &Patience) -> Result<Step, DirectoryError> {
        let url = self.url(&part.path)?;
        let call = Call {
            url,
            method: Method::GET,
            body: None,
            advanced: true,
            yielding: true,
            doing: DOING,
        };
        match self.fetch(&call, patience, member_page).await {
            Ok(page) => Ok(Step::Page(page)),
            Err(Failure::Refused(refusal)) if refusal.status.as_u16() == 404 => Ok(Step::NoSuchGroup),
            Err(failure) => Err(failure.into_error(DOING, PERMISSION)),
        }
    }

    async fn read_batch(&self, parts: &[Part], patience: &Patience) -> Result<Vec<Step>, DirectoryError> {
        let paths: Vec<&str> = parts.iter().map(|part| part.path.as_str()).collect();
        let answers = self.batch(&paths, DOING, PERMISSION, patience).await?;
        let now = self.clock.now();
        parts
            .iter()
            .zip(answers)
            .map(|(part, answer): (_, PartAnswer)| part.judge(answer, now))
            .collect()
    }

    fn continued(&self, part: Part, link: Option<String>) -> Result<Option<Part>, DirectoryError> {
        let Some(link) = link else { return Ok(None) };
        let url = self.next_url(&link, DOING)?;
        let path = below(&self.base, &url)
            .ok_or_else(|| unexpected(format!("{DOING}: a link to another API was refused")))?;
        part.next(path).map(Some)
    }
}
