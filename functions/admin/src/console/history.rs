//! `GET /console/connections/{id}/history`: what happened, to everything or to one object, in a span of days.

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};
use shared::domain::operation_record::OperationRecord;
use shared::domain::settings::ConnectionSettings;

use super::error::{PageError, shown};
use super::frame::{Frame, page};
use super::guard::Visitor;
use super::run::changes;
use super::zone::Zone;
use crate::AdminState;
use crate::api::lookup;
use crate::query::Query;

/// Records of one page.
const A_PAGE: usize = 100;
/// Longest object id looked for.
const MAX_OBJECT: usize = 256;

#[derive(Template)]
#[template(path = "history.html")]
struct HistoryPage {
    frame: Frame,
    id: String,
    object: String,
    from: String,
    to: String,
    records: Vec<OperationRecord>,
    next: Option<String>,
    zone: Zone,
}

impl HistoryPage {
    #[expect(clippy::unused_self, reason = "the template asks the page")]
    fn changes(&self, row: &OperationRecord) -> Vec<(String, String, String)> {
        changes(row)
    }
}

pub async fn history(
    State(state): State<AdminState>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    mut query: Query,
) -> Response {
    let language = visitor.language;
    let mut text = |key: &str| query.text(key).unwrap_or_default().trim().to_owned();
    let (object, from, to, cursor) = (text("object"), text("from"), text("to"), text("cursor"));
    let made = async {
        let store = &state.engine.store;
        let connection = lookup::connection(store, &id).await?.value;
        let settings = store
            .settings(connection.id)
            .await?
            .ok_or(PageError::NotFound)?
            .value;
        let since = begin_of(&from, 0, &settings).unwrap_or(Timestamp::UNIX_EPOCH);
        let until = begin_of(&to, 1, &settings).unwrap_or_else(|| state.engine.clock.now());
        let cursor = (!cursor.is_empty()).then_some(cursor.as_str());
        if object.len() > MAX_OBJECT {
            return Err(PageError::NotFound);
        }
        let found = if object.is_empty() {
            store
                .history_all(connection.id, since, until.max(since), A_PAGE, cursor)
                .await?
        } else {
            store
                .history(connection.id, &object, since, until.max(since), A_PAGE, cursor)
                .await?
        };
        let next = found.next_cursor.map(|cursor| {
            url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs([
                    ("object", &object),
                    ("from", &from),
                    ("to", &to),
                    ("cursor", &cursor),
                ])
                .finish()
        });
        let made = HistoryPage {
            frame: Frame::of(visitor, &connection, "history", "history-title"),
            id: id.clone(),
            object,
            from,
            to,
            records: found.items,
            next,
            zone: Zone::of(&settings),
        };
        Ok(page(&made, StatusCode::OK))
    };
    shown(made.await, language)
}

/// When this day, or one so many days later, begins where the connection is.
fn begin_of(day: &str, later: i64, settings: &ConnectionSettings) -> Option<Timestamp> {
    let day: Date = day.parse().ok()?;
    let day = day.checked_add(later.days()).ok()?;
    let at = day.in_tz(&settings.schedule.time_zone).ok()?;
    Some(at.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_where_the_connection_is() {
        let mut settings = ConnectionSettings::default();
        settings.schedule.time_zone = "Asia/Shanghai".to_owned();
        let begin = |day: &str, later| begin_of(day, later, &settings).map(|at| at.to_string());
        assert_eq!(begin("2026-03-02", 0).unwrap(), "2026-03-01T16:00:00Z");
        assert_eq!(begin("2026-03-02", 1).unwrap(), "2026-03-02T16:00:00Z");
        assert_eq!(begin("yesterday", 0), None);
    }
}
