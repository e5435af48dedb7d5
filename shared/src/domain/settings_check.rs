//! Judges the values of a settings document whose shape is right already.
//! Every problem is named at once, each with the JSON pointer of its field and with what would be right.

mod presence;

use std::collections::BTreeSet;

use jiff::civil::Time;
use jiff::tz::TimeZoneDatabase;
use serde::{Deserialize, Serialize};

use super::graph_properties::valid_number_property;
use super::number::{ExtensionNumber, NumberRange};
use super::phone_number::Country;
use super::phonebook::MAX_PHONEBOOK_NAME;
use super::settings::{
    ChangeSync, ConnectionSettings, ContactSettings, Frequency, GroupScope, GroupSettings, MailboxScope,
    MailboxTarget, NumberRule, PeopleScope, SafetySettings, Schedule, ScopeKind, SsoSettings, UserScope,
    UserSettings,
};

/// Most entries of any list.
const MAX_LIST: usize = 1000;
/// Bytes of a whole document as JSON: one item of the table takes 400 KB.
const MAX_DOCUMENT: usize = 350_000;
/// Longest address that browsers and servers pass on without question.
const MAX_REDIRECT_URI: usize = 2000;
/// Longest mail address that mail servers exchange.
const MAX_ADDRESS: usize = 254;

/// One wrong field, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) into the document that was sent; for a query parameter its name behind a slash.
    pub pointer: String,
    /// What is wrong and how to mend it. Never repeats a value that may be a secret.
    pub detail: String,
}

impl FieldProblem {
    /// A problem of one field.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            pointer: pointer.into(),
            detail: detail.into(),
        }
    }
}

/// Everything that is wrong with these settings; empty for good ones.
pub fn check(settings: &ConnectionSettings) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    schedule(&settings.schedule, &mut problems);
    change_sync(&settings.change_sync, &mut problems);
    users(&settings.users, &mut problems);
    groups(&settings.groups, &mut problems);
    contacts(&settings.contacts, &mut problems);
    presence::presence(&settings.presence, &mut problems);
    redirect_uris(&settings.sso, &mut problems);
    safety(&settings.safety, &mut problems);
    problems.when(
        !serde_json::to_string(settings).is_ok_and(|document| document.len() <= MAX_DOCUMENT),
        "",
        "is larger than the 350,000 bytes that are kept: shorten its lists, for example by groups in place of single entries",
    );
    problems.0
}

#[derive(Default)]
struct Problems(Vec<FieldProblem>);

impl Problems {
    fn when(&mut self, wrong: bool, pointer: &str, detail: &str) {
        if wrong {
            self.0.push(FieldProblem::new(pointer, detail));
        }
    }
}

fn schedule(schedule: &Schedule, problems: &mut Problems) {
    problems.when(
        !is_time_of_day(&schedule.time),
        "/schedule/time",
        "write a time of day as HH:MM with 24 hours, for example 00:30",
    );
    problems.when(
        TimeZoneDatabase::bundled().get(&schedule.time_zone).is_err(),
        "/schedule/time_zone",
        "is not a known time zone: give an IANA name such as Asia/Shanghai",
    );
    let no_days = schedule.days.is_empty();
    match schedule.frequency {
        Frequency::Weekly => problems.when(
            no_days,
            "/schedule/days",
            "a weekly schedule needs one or more days",
        ),
        Frequency::Daily => problems.when(
            !no_days,
            "/schedule/days",
            "a daily schedule takes no days: leave the list empty, or make the frequency weekly",
        ),
    }
}

/// Exactly `HH:MM`: the shorter and longer spellings that a time parser takes would make one time two texts.
fn is_time_of_day(text: &str) -> bool {
    text.len() == 5 && Time::strptime("%H:%M", text).is_ok()
}

fn change_sync(settings: &ChangeSync, problems: &mut Problems) {
    problems.when(
        !(10..=600).contains(&settings.max_delay_seconds),
        "/change_sync/max_delay_seconds",
        "must be from 10 to 600",
    );
    problems.when(
        !(1..=1000).contains(&settings.change_threshold),
        "/change_sync/change_threshold",
        "must be from 1 to 1000",
    );
}

fn users(users: &UserSettings, problems: &mut Problems) {
    user_scope(&users.scope, problems);
    number(&users.number, problems);
    problems.when(
        users.delete_grace_days > 365,
        "/users/delete_grace_days",
        "must be from 0 to 365",
    );
}

fn user_scope(scope: &UserScope, problems: &mut Problems) {
    scope_lists(
        "/users/scope",
        scope.kind,
        scope.types.len(),
        scope.group_ids.len(),
        problems,
    );
    problems.when(
        scope.exclude_group_ids.len() > MAX_LIST,
        "/users/scope/exclude_group_ids",
        "takes at most 1000 groups",
    );
    problems.when(
        !scope.group_ids.is_disjoint(&scope.exclude_group_ids),
        "/users/scope/exclude_group_ids",
        "names a group that group_ids names too: remove it from one of the lists",
    );
}

/// A kind needs its own list and none of the others, so that nobody takes a list that is not read for a rule.
fn scope_lists(at: &str, kind: ScopeKind, types: usize, groups: usize, problems: &mut Problems) {
    let (types_at, groups_at) = (format!("{at}/types"), format!("{at}/group_ids"));
    if kind == ScopeKind::Types {
        problems.when(types == 0, &types_at, "kind types needs one or more types");
    } else {
        problems.when(
            types > 0,
            &types_at,
            "is used with kind types alone: leave it out or change the kind",
        );
    }
    if kind == ScopeKind::Groups {
        problems.when(
            groups == 0,
            &groups_at,
            "kind groups needs one or more group object ids",
        );
        problems.when(groups > MAX_LIST, &groups_at, "takes at most 1000 groups");
    } else {
        problems.when(
            groups > 0,
            &groups_at,
            "is used with kind groups alone: leave it out or change the kind",
        );
    }
}

fn number(rule: &NumberRule, problems: &mut Problems) {
    problems.when(
        rule.reserved().len() > MAX_LIST,
        "/users/number/reserved",
        "takes at most 1000 numbers and ranges",
    );
    match rule {
        NumberRule::Automatic { start, reserved } => problems.when(
            is_used_up(start, reserved),
            "/users/number/reserved",
            "leaves no number from start on: reserve less or start lower",
        ),
        NumberRule::Property {
            name, last_digits, ..
        } => {
            if let Err(detail) = valid_number_property(name) {
                problems.when(true, "/users/number/name", &detail);
            }
            problems.when(
                last_digits.is_some_and(|digits| !(1..=8).contains(&digits)),
                "/users/number/last_digits",
                "must be from 1 to 8",
            );
        }
    }
}

/// Whether the reserved ranges swallow every number from `start` to the last one of eight digits.
fn is_used_up(start: &ExtensionNumber, reserved: &[NumberRange]) -> bool {
    let mut candidate = Some(start.clone());
    // Each step leaves one range behind for good, so there are at most as many steps as ranges.
    for _ in 0..=reserved.len() {
        let Some(number) = candidate else { return true };
        let Some(range) = reserved.iter().find(|range| range.contains(&number)) else {
            return false;
        };
        candidate = range.last().successor();
    }
    candidate.is_none()
}

fn groups(groups: &GroupSettings, problems: &mut Problems) {
    let scope: &GroupScope = &groups.scope;
    scope_lists(
        "/groups/scope",
        scope.kind,
        scope.types.len(),
        scope.group_ids.len(),
        problems,
    );
    let distinct: BTreeSet<_> = scope.group_ids.iter().collect();
    problems.when(
        distinct.len() < scope.group_ids.len(),
        "/groups/scope/group_ids",
        "names a group twice",
    );
}

fn contacts(contacts: &ContactSettings, problems: &mut Problems) {
    problems.when(
        Country::parse(&contacts.default_country).is_none(),
        "/contacts/default_country",
        "write the two capital letters of an ISO 3166 country, for example CN",
    );
    people(&contacts.personal.scope, problems);
    let shared = &contacts.shared;
    problems.when(
        shared.enabled && shared.scope == MailboxScope::Selected && shared.mailboxes.is_empty(),
        "/contacts/shared/mailboxes",
        "scope selected needs one or more mailboxes",
    );
    mailboxes(&shared.mailboxes, problems);
}

fn people(scope: &PeopleScope, problems: &mut Problems) {
    problems.when(
        scope.kind == ScopeKind::Types,
        "/contacts/personal/scope/kind",
        "must be all or groups",
    );
    if scope.kind != ScopeKind::Types {
        scope_lists(
            "/contacts/personal/scope",
            scope.kind,
            0,
            scope.group_ids.len(),
            problems,
        );
    }
}

fn mailboxes(targets: &[MailboxTarget], problems: &mut Problems) {
    problems.when(
        targets.len() > MAX_LIST,
        "/contacts/shared/mailboxes",
        "takes at most 1000 mailboxes",
    );
    let mut seen = BTreeSet::new();
    let mut names = BTreeSet::new();
    for (index, target) in targets.iter().enumerate() {
        let at = format!("/contacts/shared/mailboxes/{index}");
        problems.when(
            !is_address(&target.mailbox),
            &format!("{at}/mailbox"),
            "write a mail address such as sales@contoso.example",
        );
        problems.when(
            !seen.insert(target.mailbox.to_ascii_lowercase()),
            &format!("{at}/mailbox"),
            "is in the list already: a mailbox has one phonebook",
        );
        let name = target.phonebook.trim();
        problems.when(
            name.is_empty()
                || name.chars().count() > MAX_PHONEBOOK_NAME
                || name.chars().any(char::is_control),
            &format!("{at}/phonebook"),
            "write the name of a phonebook, 1 to 63 characters",
        );
        problems.when(
            !names.insert(name.to_lowercase()),
            &format!("{at}/phonebook"),
            "is the phonebook of another mailbox in the list already: each mailbox needs one of its own",
        );
    }
}

fn is_address(text: &str) -> bool {
    let plain = |part: &str| !part.is_empty() && part.chars().all(|c| !c.is_whitespace() && !c.is_control());
    text.len() <= MAX_ADDRESS
        && text.split_once('@').is_some_and(|(local, domain)| {
            plain(local) && plain(domain) && !domain.contains('@') && !domain.starts_with('.')
        })
}

fn redirect_uris(sso: &SsoSettings, problems: &mut Problems) {
    problems.when(
        sso.redirect_uris.len() > MAX_LIST,
        "/sso/redirect_uris",
        "takes at most 1000 addresses",
    );
    problems.when(
        sso.enabled && sso.redirect_uris.is_empty(),
        "/sso/redirect_uris",
        "name at least one address that codes may be sent to",
    );
    for (index, uri) in sso.redirect_uris.iter().enumerate() {
        if let Some(detail) = redirect_uri_problem(uri) {
            problems.when(true, &format!("/sso/redirect_uris/{index}"), detail);
        }
    }
}

/// Codes are sent to these addresses, so they must be reachable by their owner alone.
fn redirect_uri_problem(text: &str) -> Option<&'static str> {
    if text.len() > MAX_REDIRECT_URI {
        return Some("must have at most 2000 characters");
    }
    let Ok(uri) = url::Url::parse(text) else {
        return Some("write a whole address such as https://pbx.example.com/login");
    };
    let loopback = match uri.host() {
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => return Some("must have a host"),
    };
    match uri.scheme() {
        "https" => {}
        "http" if loopback => {}
        _ => return Some("must begin with https:// (http:// for a loopback address alone)"),
    }
    if uri.fragment().is_some() {
        return Some("must not have a fragment (#...)");
    }
    if !uri.username().is_empty() || uri.password().is_some() {
        return Some("must not have a user name or a password in it");
    }
    text.contains(['\\', ' ', '\t', '\r', '\n'])
        .then_some("must not have white space or backslashes in it")
}

fn safety(safety: &SafetySettings, problems: &mut Problems) {
    problems.when(
        safety.max_removals > 100_000,
        "/safety/max_removals",
        "must be from 0 to 100000",
    );
    problems.when(
        safety.max_removals_percent > 100,
        "/safety/max_removals_percent",
        "must be from 0 to 100",
    );
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pointers(change: &Value) -> Vec<String> {
        let settings: ConnectionSettings = serde_json::from_value(change.clone()).unwrap();
        let mut pointers: Vec<String> = check(&settings).into_iter().map(|p| p.pointer).collect();
        pointers.sort();
        pointers
    }

    #[test]
    fn defaults_are_good() {
        assert_eq!(check(&ConnectionSettings::default()), []);
    }

    #[test]
    fn a_document_with_every_field_is_good() {
        let document = json!({
            "schedule": {"frequency": "daily", "time": "00:30", "days": [], "time_zone": "Asia/Shanghai"},
            "change_sync": {"enabled": true, "max_delay_seconds": 600, "change_threshold": 10},
            "users": {
                "enabled": true, "scope": {"kind": "all"}, "delete_when_out_of_scope": false,
                "number": {"kind": "automatic", "start": "2000", "reserved": ["2000-2010", "2020"]},
                "delete_when": ["disabled", "deleted"], "delete_grace_days": 0, "bind_same_email": true,
                "send_welcome_email": false
            },
            "groups": {"enabled": false, "scope": {"kind": "all"}, "delete_when_out_of_scope": false,
                "target": "extension_group"},
            "contacts": {
                "enabled": false, "access": "application", "default_country": "CN",
                "personal": {"enabled": false, "scope": {"kind": "all"}, "acknowledged_visibility": false},
                "shared": {"enabled": false, "scope": "selected",
                    "mailboxes": [{"mailbox": "sales@contoso.example", "phonebook": "Sales"}]}
            },
            "presence": {"enabled": false, "users_default": "off"},
            "sso": {"enabled": false, "redirect_uris": ["https://pbx.example.com/login", "http://127.0.0.1/cb"]},
            "safety": {"max_removals": 500, "max_removals_percent": 5}
        });
        assert_eq!(pointers(&document), Vec::<String>::new());
    }

    // spec: 145, 146
    #[test]
    fn a_schedule_has_a_real_time_a_known_zone_and_days_when_weekly() {
        for time in ["24:00", "7:30", "07:60", "0730", "07:30:00", "", "ab:cd"] {
            assert_eq!(
                pointers(&json!({"schedule": {"time": time}})),
                ["/schedule/time"],
                "{time:?}"
            );
        }
        for zone in ["", "Mars/Base", "+08:00", "Asia"] {
            assert_eq!(
                pointers(&json!({"schedule": {"time_zone": zone}})),
                ["/schedule/time_zone"],
                "{zone:?}"
            );
        }
        assert_eq!(
            pointers(&json!({"schedule": {"frequency": "weekly"}})),
            ["/schedule/days"]
        );
        assert_eq!(
            pointers(&json!({"schedule": {"days": ["monday"]}})),
            ["/schedule/days"]
        );
        let weekly =
            json!({"schedule": {"frequency": "weekly", "days": ["saturday", "sunday"], "time": "23:59"}});
        assert_eq!(pointers(&weekly), Vec::<String>::new());
    }

    #[test]
    fn ranges_hold_at_both_ends() {
        for (section, field, least, most) in [
            ("change_sync", "max_delay_seconds", 10, 600),
            ("change_sync", "change_threshold", 1, 1000),
            ("users", "delete_grace_days", 0, 365),
            ("safety", "max_removals", 0, 100_000),
            ("safety", "max_removals_percent", 0, 100),
        ] {
            let at = |value: i64| pointers(&json!({section: {field: value}}));
            assert!(at(least).is_empty() && at(most).is_empty(), "{field}");
            assert_eq!(at(most + 1), [format!("/{section}/{field}")]);
            if least > 0 {
                assert_eq!(at(least - 1), [format!("/{section}/{field}")]);
            }
        }
    }

    // spec: 49, 51, 53
    #[test]
    fn a_scope_kind_needs_its_list_and_takes_no_other() {
        let id = "3b1f6c0e-6f0b-4a55-9a3e-0b9df2b1c001";
        for (scope, wrong) in [
            (json!({"kind": "types"}), vec!["/users/scope/types"]),
            (json!({"kind": "types", "types": ["member", "guest"]}), vec![]),
            (json!({"kind": "groups"}), vec!["/users/scope/group_ids"]),
            (json!({"kind": "groups", "group_ids": [id]}), vec![]),
            (
                json!({"kind": "all", "group_ids": [id]}),
                vec!["/users/scope/group_ids"],
            ),
            (
                json!({"kind": "all", "types": ["member"]}),
                vec!["/users/scope/types"],
            ),
            (
                json!({"kind": "groups", "group_ids": [id], "exclude_group_ids": [id]}),
                vec!["/users/scope/exclude_group_ids"],
            ),
            (
                json!({"kind": "all", "exclude_group_ids": [id], "only_enabled": true}),
                vec![],
            ),
        ] {
            assert_eq!(pointers(&json!({"users": {"scope": scope}})), wrong, "{scope}");
        }
    }

    // spec: 57, 58, 59, 60
    #[test]
    fn a_number_rule_can_give_a_number() {
        for (rule, wrong) in [
            (
                json!({"kind": "automatic", "start": "99999990", "reserved": ["99999990-99999999"]}),
                vec!["/users/number/reserved"],
            ),
            (
                json!({"kind": "automatic", "start": "2000", "reserved": ["2000-2010"]}),
                vec![],
            ),
            (
                json!({"kind": "property", "name": "businessPhones", "last_digits": 4}),
                vec![],
            ),
            (
                json!({"kind": "property", "name": "onPremisesExtensionAttributes.extensionAttribute1"}),
                vec![],
            ),
            (
                json!({"kind": "property", "name": ""}),
                vec!["/users/number/name"],
            ),
            (
                json!({"kind": "property", "name": "a b"}),
                vec!["/users/number/name"],
            ),
            (
                json!({"kind": "property", "name": "x&$expand=manager"}),
                vec!["/users/number/name"],
            ),
            (
                json!({"kind": "property", "name": "employeeId", "last_digits": 9}),
                vec!["/users/number/last_digits"],
            ),
            (
                json!({"kind": "property", "name": "employeeId", "last_digits": 0}),
                vec!["/users/number/last_digits"],
            ),
        ] {
            assert_eq!(pointers(&json!({"users": {"number": rule}})), wrong, "{rule}");
        }
    }

    #[test]
    fn a_document_that_one_item_of_the_table_cannot_hold_is_refused_whole() {
        let address = |number: usize, length: usize| {
            let start = format!("https://app{number}.example.com/");
            format!("{start:a<length$}")
        };
        let addresses = |length| {
            (0..1000)
                .map(|number| address(number, length))
                .collect::<Vec<_>>()
        };
        assert!(pointers(&json!({"sso": {"redirect_uris": addresses(300)}})).is_empty());
        assert_eq!(pointers(&json!({"sso": {"redirect_uris": addresses(400)}})), [""]);
        let long = [address(1, 2001)];
        assert_eq!(
            pointers(&json!({"sso": {"redirect_uris": long}})),
            ["/sso/redirect_uris/0"]
        );
    }

    #[test]
    fn redirect_addresses_are_https_or_loopback_without_extras() {
        for bad in [
            "http://pbx.example.com/login",
            "pbx.example.com",
            "https://u:p@pbx.example.com/",
            "https://pbx.example.com/#x",
            "javascript:alert(1)",
            "https://pbx.example.com\\@evil.example/",
        ] {
            let wrong = pointers(&json!({"sso": {"redirect_uris": [bad]}}));
            assert_eq!(wrong, ["/sso/redirect_uris/0"], "{bad}");
        }
    }

    // spec: 104, 112
    #[test]
    fn contact_fields_are_judged_though_the_part_is_off() {
        let document = json!({"contacts": {
            "default_country": "cn",
            "personal": {"scope": {"kind": "types"}},
            "shared": {"mailboxes": [
                {"mailbox": "sales@contoso.example", "phonebook": " "},
                {"mailbox": "SALES@contoso.example", "phonebook": "Sales"},
                {"mailbox": "nobody", "phonebook": "Sales"}
            ]}
        }});
        assert_eq!(
            pointers(&document),
            [
                "/contacts/default_country",
                "/contacts/personal/scope/kind",
                "/contacts/shared/mailboxes/0/phonebook",
                "/contacts/shared/mailboxes/1/mailbox",
                "/contacts/shared/mailboxes/2/mailbox",
                "/contacts/shared/mailboxes/2/phonebook",
            ]
        );
    }

    #[test]
    fn all_problems_come_together() {
        let document = json!({
            "schedule": {"time": "25:00", "time_zone": "Nowhere"},
            "safety": {"max_removals_percent": 101}
        });
        assert_eq!(
            pointers(&document),
            [
                "/safety/max_removals_percent",
                "/schedule/time",
                "/schedule/time_zone"
            ]
        );
    }
}
