//! As much of Markdown as the documents use: tables, and links to files.

/// The cells of every table row of a text, in order, rules between head and body aside. Marks that only change the looks
/// are taken off.
pub fn rows(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'))
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

/// Where the links of a text lead: targets that are files, without what follows `#`.
pub fn file_links(text: &str) -> Vec<&str> {
    text.split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
        .filter(|target| !target.contains("://"))
        .filter_map(|target| target.split('#').next())
        .filter(|target| !target.is_empty())
        .collect()
}

#[test]
fn tables_sections_and_links_are_found() {
    let text = "# A\n\n## B\n\n| a | `b` |\n|---|---|\n| c\\<d | e |\n\n[x](y.md#z) [w](https://w.example)\n\n## C\n\n| f |\n";
    let part = section(text, "## B");
    assert_eq!(rows(part), [["a", "b"], ["c<d", "e"]]);
    assert_eq!(file_links(part), ["y.md"]);
}
