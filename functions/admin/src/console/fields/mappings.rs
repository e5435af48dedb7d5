//! The field with the presence mappings of single groups.

use askama::Template;
use serde_json::Value;
use shared::domain::ids::EntraGroupId;
use shared::domain::presence::TeamsStatus;

use super::{About, Choosable, Fields, rendered};

#[derive(Template)]
#[template(path = "field_mappings.html")]
struct Mappings<'a> {
    about: &'a About,
    rows: Vec<MappingRow>,
    pick: Option<String>,
    search: String,
    remove: String,
}

/// The mapping of one group.
struct MappingRow {
    /// Its JSON pointer.
    at: String,
    id: String,
    name: Option<String>,
    statuses: Vec<StatusRow>,
    error: Option<String>,
}

/// Where one status of Teams leads.
struct StatusRow {
    name: String,
    id: String,
    label: String,
    options: Vec<Choosable>,
}

impl Fields {
    /// The mappings of single groups: one to choose, or to take out, for each.
    pub fn group_mappings(&self, pointer: &str) -> String {
        let rows = self.doc.pointer(pointer).and_then(Value::as_array);
        let rows = (0..rows.map_or(0, Vec::len)).map(|place| {
            let at = format!("{pointer}/{place}");
            let id = self.value(&format!("{at}/group_id"));
            let known = EntraGroupId::parse(&id).ok();
            MappingRow {
                name: known.and_then(|known| self.names.get(&known).cloned()),
                statuses: TeamsStatus::ALL.map(|status| self.status_row(&at, status)).into(),
                error: self.error(&at),
                at,
                id,
            }
        });
        rendered(&Mappings {
            about: &self.about(pointer),
            rows: rows.collect(),
            pick: self.pick(pointer),
            search: self.words.text("pick-search"),
            remove: self.words.text("pick-remove"),
        })
    }

    fn status_row(&self, at: &str, status: TeamsStatus) -> StatusRow {
        let name = format!("{at}/mapping/{}", status.key());
        StatusRow {
            label: self
                .words
                .text(&format!("f-presence-mapping-{}", status.key().replace('_', "-"))),
            options: self.statuses(&name),
            id: name.trim_start_matches('/').replace(['/', '_'], "-"),
            name,
        }
    }
}
