//! Groups whose members follow from a rule. The service works the rule out some time after a change, so
//! membership moves later than the people do.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use super::changes::Write;
use super::directory::Directory;
use super::filter::{Filter, Operator};
use super::properties::EntityType;

/// When the rules are worked out next.
#[derive(Debug, Default)]
pub struct DynamicState {
    /// Changes that were there when the rules were last looked at.
    seen: usize,
    due: Option<Timestamp>,
}

impl Directory {
    /// Works out the rules when something changed long enough ago.
    pub fn settle_dynamic(&mut self, now: Timestamp, delay: SignedDuration) {
        let changes = self.users.log.len() + self.groups.log.len();
        if changes != self.dynamic.seen && self.dynamic.due.is_none() {
            self.dynamic.due = now.checked_add(delay).ok();
        }
        if self.dynamic.due.is_none_or(|due| due > now) {
            return;
        }
        for (group, rule) in self.rules() {
            self.follow(group, &rule, now);
        }
        self.dynamic = DynamicState {
            seen: self.users.log.len() + self.groups.log.len(),
            due: None,
        };
    }

    fn rules(&self) -> Vec<(Uuid, Filter)> {
        let rules = self.groups.live.iter().filter_map(|(id, props)| {
            let on = props.get("membershipRuleProcessingState") == Some(&json!("On"));
            let rule = props
                .get("membershipRule")
                .and_then(Value::as_str)
                .filter(|_| on)?;
            Some((*id, parse(rule)?))
        });
        rules.collect()
    }

    fn follow(&mut self, group: Uuid, rule: &Filter, now: Timestamp) {
        let users = self.users.live.iter();
        let fitting = users.filter(|(id, props)| rule.matches(EntityType::User, **id, props));
        let wanted: BTreeSet<Uuid> = fitting.map(|(id, _)| *id).collect();
        let current = self.members.get(&group).cloned().unwrap_or_default();
        for member in wanted.difference(&current) {
            self.apply(Write::AddMember(group, *member), now);
        }
        for member in current.difference(&wanted) {
            self.apply(Write::RemoveMember(group, *member), now);
        }
    }
}

/// One clause: `(user.userType -eq "Guest")`. Other rules are kept but never worked out.
fn parse(rule: &str) -> Option<Filter> {
    let clause = rule.trim().trim_start_matches('(').trim_end_matches(')');
    let mut words = clause.splitn(3, ' ');
    let property = words.next()?.strip_prefix("user.")?;
    EntityType::User.property(property)?;
    let operator = match words.next()? {
        "-eq" => Operator::Eq,
        "-ne" => Operator::Ne,
        "-startsWith" => Operator::StartsWith,
        _ => return None,
    };
    let value = match words.next()?.trim() {
        "true" => json!(true),
        "false" => json!(false),
        text => json!(text.strip_prefix('"')?.strip_suffix('"')?),
    };
    Some(Filter::Compare(property.to_owned(), operator, value))
}
