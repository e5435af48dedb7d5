//! As much of Markdown as the documents use: headings, tables, pictures, and links to files.

use std::collections::BTreeSet;

/// The cells of every table row of a text, in order, rules between head and body aside. Marks that only change the looks
/// are taken off.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter_map(|line| line.trim_start().strip_prefix('|')?.strip_suffix('|'))
        .filter(|line| !line.starts_with("---"))
        .map(|line| line.split('|').map(plain).collect())
        .collect()
}

fn plain(cell: &str) -> String {
    cell.trim().replace(['`', '\\'], "")
}

/// The part of a text from the heading `heading` to the next one of the same depth.
pub fn section<'a>(text: &'a str, heading: &str) -> &'a str {
    let start = text
        .find(&format!("\n{heading}\n"))
        .unwrap_or_else(|| panic!("there is no heading {heading:?}"));
    let body = text[start..].trim_start();
    let depth = heading.split(' ').next().unwrap_or_default();
    let end = body.match_indices(&format!("\n{depth} ")).next();
    end.map_or(body, |(end, _)| &body[..end])
}

/// Where the links of a text lead within the repository, with what follows `#`.
pub fn links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://"))
        .collect()
}

/// Where the links of a text lead: targets that are files, without what follows `#`.
pub fn file_links(text: &str) -> Vec<&str> {
    links(text)
        .into_iter()
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
        .collect()
}

/// Where the pictures of a text are.
pub fn pictures(text: &str) -> Vec<&str> {
    text.split("![")
        .skip(1)
        .filter_map(|rest| links(rest).first().copied())
        .collect()
}

/// Level and words of each heading; what stands between fences is none.
pub fn headings(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut found = Vec::new();
    for line in text.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let level = line.chars().take_while(|letter| *letter == '#').count();
        if let Some(words) = line.get(level..).and_then(|rest| rest.strip_prefix(' '))
            && level > 0
            && !fenced
        {
            found.push((level, words));
        }
    }
    found
}

/// What `#` may be followed by in a link to this text: its headings, as GitHub spells them.
pub fn anchors(text: &str) -> BTreeSet<String> {
    let spelled = |(_, words): (usize, &str)| {
        words
            .to_lowercase()
            .chars()
            .filter(|letter| letter.is_alphanumeric() || [' ', '-', '_'].contains(letter))
            .map(|letter| if letter == ' ' { '-' } else { letter })
            .collect()
    };
    headings(text).into_iter().map(spelled).collect()
}

#[test]
fn tables_sections_and_links_are_found() {
    let text = "# A\n\n## B\n\n| a | `b` |\n|---|---|\n| c\\<d | e |\n\n[x](y.md#z) [w](https://w.example)\n\n## C\n\n| f |\n";
    let part = section(text, "## B");
    assert_eq!(rows(part), [["a", "b"], ["c<d", "e"]]);
    assert_eq!(file_links(part), ["y.md"]);
    assert_eq!(links(part), ["y.md#z"]);
    assert_eq!(headings(text), [(1, "A"), (2, "B"), (2, "C")]);
}

#[test]
fn pictures_and_anchors_are_found_and_fences_hold_no_headings() {
    let text = "# 1. What, then?\n\n![p](a/b.png)\n\n```sh\n# none\n```\n";
    assert_eq!(pictures(text), ["a/b.png"]);
    assert_eq!(anchors(text), BTreeSet::from(["1-what-then".to_owned()]));
}
