//! Judges the presence section.

use std::collections::BTreeSet;

use super::{Problems, is_time_of_day};
use crate::domain::office_hours::OfficeHours;
use crate::domain::settings::PresenceSettings;

/// Each group costs a read of its members every hour.
const MAX_GROUPS: usize = 100;

pub(super) fn presence(settings: &PresenceSettings, problems: &mut Problems) {
    problems.when(
        settings.groups.len() > MAX_GROUPS,
        "/presence/groups",
        "takes at most 100 groups",
    );
    let mut seen = BTreeSet::new();
    for (index, group) in settings.groups.iter().enumerate() {
        problems.when(
            !seen.insert(group.group_id),
            &format!("/presence/groups/{index}/group_id"),
            "is in the list already: the first mapping wins",
        );
    }
    if let Some(hours) = &settings.office_hours {
        office_hours(hours, problems);
    }
}

fn office_hours(hours: &OfficeHours, problems: &mut Problems) {
    problems.when(
        hours.days.is_empty(),
        "/presence/office_hours/days",
        "choose one or more days, or carry presence at any time, without office hours",
    );
    let time = "write a time of day as HH:MM with 24 hours, for example 08:00";
    problems.when(!is_time_of_day(&hours.from), "/presence/office_hours/from", time);
    problems.when(!is_time_of_day(&hours.to), "/presence/office_hours/to", time);
    problems.when(
        hours.from == hours.to,
        "/presence/office_hours/to",
        "must differ from the beginning; without office hours presence is carried at any time",
    );
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::settings::ConnectionSettings;
    use crate::domain::settings_check::check;

    #[test]
    fn groups_come_once_and_office_hours_begin_some_day() {
        let id = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001";
        let rows = [
            (
                json!({"groups": [{"group_id": id, "mapping": {"busy": "business_trip"}}]}),
                vec![],
            ),
            (
                json!({"groups": [{"group_id": id}, {"group_id": id}]}),
                vec!["/presence/groups/1/group_id"],
            ),
            (
                json!({"office_hours": {"days": ["monday"], "from": "08:00", "to": "18:00"}}),
                vec![],
            ),
            (
                json!({"office_hours": {"days": ["monday"], "from": "22:00", "to": "06:00"}}),
                vec![],
            ),
            (
                json!({"office_hours": {"days": [], "from": "8", "to": "24:00"}}),
                vec![
                    "/presence/office_hours/days",
                    "/presence/office_hours/from",
                    "/presence/office_hours/to",
                ],
            ),
            (
                json!({"office_hours": {"days": ["monday"], "from": "08:00", "to": "08:00"}}),
                vec!["/presence/office_hours/to"],
            ),
        ];
        for (presence, wrong) in rows {
            let document = json!({ "presence": presence });
            let settings: ConnectionSettings = serde_json::from_value(document.clone()).unwrap();
            let pointers: Vec<String> = check(&settings).into_iter().map(|p| p.pointer).collect();
            assert_eq!(pointers, wrong, "{document}");
        }
    }
}
