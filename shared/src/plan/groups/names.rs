//! How groups are called on the PBX: as in Entra, as far as the PBX takes it, and no two alike.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::entra_group::EntraGroup;
use crate::domain::ids::EntraGroupId;
use crate::domain::pbx_group::MAX_GROUP_NAME;

/// A name within the PBX's rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Empty if nothing of it is usable.
    pub name: String,
    /// What had to be changed, as sentences.
    pub notes: Vec<String>,
    /// It is not the bare one, because another group has that.
    pub marked: bool,
}

/// A name for each group. Of several with one name the first by object id has it bare, the others have the beginning of
/// their id behind it.
pub(super) fn of_all(groups: &[&EntraGroup]) -> BTreeMap<EntraGroupId, Named> {
    let mut by_id: Vec<&&EntraGroup> = groups.iter().collect();
    by_id.sort_by_key(|group| group.id);
    let bare: BTreeMap<EntraGroupId, Named> = by_id.iter().map(|g| (g.id, clean(&g.name))).collect();
    let mut taken = BTreeSet::new();
    let (first, later): (Vec<_>, Vec<_>) = bare
        .into_iter()
        .partition(|(_, named)| named.name.is_empty() || taken.insert(named.name.clone()));
    let mut all: BTreeMap<EntraGroupId, Named> = first.into_iter().collect();
    for (id, named) in later {
        let marked = Named {
            name: distinct(&named.name, id, &mut taken),
            marked: true,
            ..named
        };
        all.insert(id, marked);
    }
    all
}

/// Four digits of the id tell most groups apart; the whole id tells all.
fn distinct(name: &str, id: EntraGroupId, taken: &mut BTreeSet<String>) -> String {
    let id = id.to_string();
    let mut candidate = String::new();
    for digits in [4, 8, id.len()] {
        let mark: String = id.chars().take(digits).collect();
        let suffix = format!(" ({mark})");
        candidate = cut(name, MAX_GROUP_NAME - suffix.chars().count()) + &suffix;
        if taken.insert(candidate.clone()) {
            break;
        }
    }
    candidate
}

/// One line: control characters become spaces, runs of white space one space, ends are trimmed; too long ones are cut.
fn clean(name: &str) -> Named {
    let spaced: String = name
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let clean = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut notes = Vec::new();
    if spaced != name {
        notes.push("characters that the PBX does not take were left out of the name".to_owned());
    }
    if clean.chars().count() > MAX_GROUP_NAME {
        notes.push(format!(
            "the name was cut to {MAX_GROUP_NAME} characters, the most the PBX takes"
        ));
    }
    Named {
        name: cut(&clean, MAX_GROUP_NAME),
        notes,
        marked: false,
    }
}

fn cut(name: &str, most: usize) -> String {
    name.chars().take(most).collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::settings::GroupType;

    fn group(first: u8, name: &str) -> EntraGroup {
        let mut bytes = [0; 16];
        bytes[0] = first;
        EntraGroup {
            id: uuid::Uuid::from_bytes(bytes).into(),
            name: name.to_owned(),
            kind: Some(GroupType::Security),
        }
    }

    fn names(groups: &[EntraGroup]) -> Vec<String> {
        let groups: Vec<&EntraGroup> = groups.iter().collect();
        of_all(&groups).into_values().map(|named| named.name).collect()
    }

    #[test]
    fn the_later_of_two_with_one_name_has_the_first_four_of_its_id_behind_it() {
        assert_eq!(
            names(&[group(0xb1, "Sales"), group(0xa0, "Sales")]),
            ["Sales", "Sales (b100)"]
        );
        let squatter = group(0x01, "Sales (b100)");
        assert_eq!(
            names(&[group(0xb1, "Sales"), group(0xa0, "Sales"), squatter]),
            ["Sales (b100)", "Sales", "Sales (b1000000)"]
        );
    }

    #[test]
    fn a_name_that_is_cut_says_so_and_stays_distinct() {
        let long = "x".repeat(200);
        let (one, two) = (group(1, &long), group(2, &long));
        let all = of_all(&[&one, &two]);
        assert_eq!(all[&one.id].name.chars().count(), 127);
        assert_eq!(all[&two.id].name.chars().count(), 127);
        assert!(all[&two.id].name.ends_with(" (0200)"));
        assert!(all[&one.id].notes[0].contains("127"));
        let odd = group(3, " Night\tshift\n");
        assert_eq!(of_all(&[&odd])[&odd.id].name, "Night shift");
        assert!(!of_all(&[&odd])[&odd.id].notes.is_empty());
    }
}
