//! Bindings as they are stored: 100,000 of them are read for one run, so attribute names are one or two letters.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::{Cause, StoreError};
use super::item::{Row, body, instant, nanos, row};
use super::keys::Key;
use crate::domain::binding::{Binding, BoundExtension, LeavingCause, Stage};
use crate::domain::extension::FieldsDigest;
use crate::domain::ids::{ConnectionId, EntraUserId, ExtensionId};
use crate::domain::number::ExtensionNumber;

#[derive(Serialize, Deserialize)]
struct BindingRow {
    /// The person; the sort key.
    sk: EntraUserId,
    /// Number.
    n: ExtensionNumber,
    /// Name.
    nm: String,
    /// Stage.
    s: StageLetter,
    /// Since when in this stage, but for bound.
    t: Option<i64>,
    /// Why leaving.
    c: Option<LeavingCause>,
    /// The PBX's key.
    x: Option<ExtensionId>,
    /// Digest of the fields.
    d: Option<FieldsDigest>,
    /// Bound at.
    ba: Option<i64>,
    /// Written at.
    wa: Option<i64>,
    /// Fence of the lease that wrote it.
    f: u64,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
enum StageLetter {
    #[serde(rename = "i")]
    Intended,
    #[serde(rename = "b")]
    Bound,
    #[serde(rename = "l")]
    Leaving,
}

/// Who holds a number. Small, for a search reads all of them.
#[derive(Serialize, Deserialize)]
pub(super) struct NumberRow {
    /// The person.
    pub u: EntraUserId,
    /// What they are looked for by: number and name in small letters.
    #[serde(skip_deserializing)]
    l: String,
}

impl NumberRow {
    pub(super) fn of(binding: &Binding) -> Self {
        Self {
            u: binding.user,
            // What is looked for is of one line, so it never begins in the number and ends in the name.
            l: format!("{}\n{}", binding.number, binding.name.to_lowercase()),
        }
    }
}

/// What stood in the way of a conditional write of a binding.
#[derive(Deserialize)]
pub(super) struct BindingInTheWay {
    pub n: ExtensionNumber,
    pub f: u64,
}

/// For storing under this fence.
pub(super) fn binding_row(
    connection: ConnectionId,
    binding: &Binding,
    fence: u64,
) -> Result<Row, StoreError> {
    let (letter, since, cause) = match &binding.stage {
        Stage::Intended { at, .. } => (StageLetter::Intended, Some(*at), None),
        Stage::Bound(_) => (StageLetter::Bound, None, None),
        Stage::Leaving { since, cause, .. } => (StageLetter::Leaving, Some(*since), Some(*cause)),
    };
    let bound = binding.bound();
    let stored = BindingRow {
        sk: binding.user,
        n: binding.number.clone(),
        nm: binding.name.clone(),
        s: letter,
        t: since.map(nanos),
        c: cause,
        x: bound.map(|bound| bound.extension),
        d: Some(digest(&binding.stage)),
        ba: bound.map(|bound| nanos(bound.bound_at)),
        wa: bound.map(|bound| nanos(bound.written_at)),
        f: fence,
    };
    row(&Key::binding(connection, binding.user), &stored)
}

/// Of the values the extension has, or was to get.
fn digest(stage: &Stage) -> FieldsDigest {
    match stage {
        Stage::Intended { wanted, .. } => *wanted,
        Stage::Bound(bound) | Stage::Leaving { bound, .. } => bound.written,
    }
}

/// The reverse of [`binding_row`].
pub(super) fn read_binding(item: Row) -> Result<Binding, StoreError> {
    let stored: BindingRow = body(item, "binding")?;
    let stage = stage(&stored).ok_or_else(|| StoreError::Corrupt {
        what: "binding",
        source: Cause("its stage lacks an attribute".to_owned()),
    })?;
    Ok(Binding {
        user: stored.sk,
        number: stored.n,
        name: stored.nm,
        stage,
    })
}

fn stage(stored: &BindingRow) -> Option<Stage> {
    let since: Option<Timestamp> = stored.t.map(instant);
    let bound = || {
        Some(BoundExtension {
            extension: stored.x?,
            written: stored.d?,
            bound_at: instant(stored.ba?),
            written_at: instant(stored.wa?),
        })
    };
    Some(match stored.s {
        StageLetter::Intended => Stage::Intended {
            at: since?,
            wanted: stored.d?,
        },
        StageLetter::Bound => Stage::Bound(bound()?),
        StageLetter::Leaving => Stage::Leaving {
            bound: bound()?,
            since: since?,
            cause: stored.c?,
        },
    })
}
