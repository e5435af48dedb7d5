//! Reads objects by their ids: many in a call, and singly whatever such a call leaves out. Some firmware refuses or cuts a
//! long one, so that an object is gone only once the PBX said so of it alone.

use std::collections::{BTreeMap, BTreeSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;

use super::client::PbxClient;
use super::error::{Fault, code};
use super::transport::{ANSWER_CAP, Call, LIST_CAP};
use super::wire::Data;

/// Ids in one call: keeps the URL under 2 KB.
const BATCH: usize = 100;

/// An object that can be asked for.
pub(super) trait Identified: DeserializeOwned + Send {
    /// The PBX's key.
    fn id(&self) -> i64;
}

/// The calls that read objects of one kind.
#[derive(Clone, Copy)]
pub(super) struct Calls {
    pub many: &'static str,
    pub one: &'static str,
    /// Largest answer about one.
    pub cap_of_one: usize,
}

/// Of extensions.
pub(super) const EXTENSIONS: Calls = Calls {
    many: "extension/query",
    one: "extension/get",
    cap_of_one: ANSWER_CAP,
};

/// Of extension groups, which name all their members.
pub(super) const EXTENSION_GROUPS: Calls = Calls {
    many: "extensiongroup/query",
    one: "extensiongroup/get",
    cap_of_one: LIST_CAP,
};

impl PbxClient {
    /// Those of the objects that exist: one that is left out is certainly gone.
    pub(super) async fn read_by_ids<T: Identified>(
        &self,
        calls: Calls,
        ids: BTreeSet<i64>,
    ) -> Result<BTreeMap<i64, T>, Fault> {
        let ids: Vec<i64> = ids.into_iter().collect();
        let batches: Vec<Vec<i64>> = ids.chunks(BATCH).map(<[_]>::to_vec).collect();
        stream::iter(batches)
            .map(|batch| self.read_batch::<T>(calls, batch))
            .buffer_unordered(self.limiter.most())
            .try_fold(BTreeMap::new(), |mut all, found| async move {
                all.extend(found);
                Ok(all)
            })
            .await
    }

    /// One object; `None` if the PBX says that it does not exist.
    pub(super) async fn read_by_id<T: Identified>(&self, calls: Calls, id: i64) -> Result<Option<T>, Fault> {
        let call = Call {
            cap: calls.cap_of_one,
            ..Call::read(calls.one)
        };
        match self.ask::<Data<T>>(&call.with("id", id.to_string())).await {
            Ok(answer) if answer.data.id() == id => Ok(Some(answer.data)),
            Ok(_) => Err(Fault::Garbled("the answer is about another object".to_owned())),
            Err(fault) if fault.code() == Some(code::NOT_FOUND) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn read_batch<T: Identified>(
        &self,
        calls: Calls,
        ids: Vec<i64>,
    ) -> Result<BTreeMap<i64, T>, Fault> {
        let mut found = match ids.len() {
            0 | 1 => BTreeMap::new(),
            _ => self.read_together::<T>(calls, &ids).await?,
        };
        let left_out: Vec<i64> = ids.into_iter().filter(|id| !found.contains_key(id)).collect();
        let singly: Vec<Option<T>> = stream::iter(left_out)
            .map(|id| self.read_by_id::<T>(calls, id))
            .buffer_unordered(self.limiter.most())
            .try_collect()
            .await?;
        found.extend(singly.into_iter().flatten().map(|object| (object.id(), object)));
        Ok(found)
    }

    /// As many of them as one call brings.
    async fn read_together<T: Identified>(
        &self,
        calls: Calls,
        ids: &[i64],
    ) -> Result<BTreeMap<i64, T>, Fault> {
        let joined = ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let call = Call::read(calls.many).with("ids", joined).long();
        let answer = match self.ask::<Data<Option<Vec<T>>>>(&call).await {
            Ok(answer) => answer.data.unwrap_or_default(),
            // One that is missing, or more than it takes, makes some firmware refuse the whole call.
            Err(fault)
                if matches!(
                    fault.code(),
                    Some(code::NOT_FOUND | code::PARTIAL | code::PARAMETER)
                ) =>
            {
                Vec::new()
            }
            Err(fault) => return Err(fault),
        };
        let found = answer.into_iter().map(|object| (object.id(), object));
        Ok(found.filter(|(id, _)| ids.contains(id)).collect())
    }
}
