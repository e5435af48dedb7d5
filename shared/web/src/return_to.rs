//! Where to go on after a sign-in: a path of our own, or the start.

/// The path, if it cannot lead anywhere but here; `/` otherwise.
pub fn safe_path(wanted: Option<&str>) -> &str {
    wanted.filter(|path| is_own_path(path)).unwrap_or("/")
}

/// Browsers take `//host`, `/\host` and control characters in front of those for another site.
fn is_own_path(path: &str) -> bool {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'?' | b'=' | b'&')
    };
    path.starts_with('/') && !path.starts_with("//") && path.len() <= 512 && path.bytes().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    // case: 38
    #[test]
    fn only_a_path_of_our_own_is_gone_on_with() {
        for good in [
            "/",
            "/console",
            "/console/connections/0190d2a0-0000-7000-8000-000000000001?page=2",
        ] {
            assert_eq!(safe_path(Some(good)), good);
        }
        let bad = [
            "",
            "console",
            "//evil",
            "https:evil",
            "https://evil.example",
            "/\\evil",
            "\\evil",
            "%2f%2fevil",
            "/%2fevil",
            "javascript:alert(1)",
            "/\tevil",
            "/\n/evil",
            "\t//evil",
            "/é",
            "/a#b",
            "/a b",
            "/@evil",
            "/:80",
        ];
        for bad in bad {
            assert_eq!(safe_path(Some(bad)), "/", "{bad:?}");
        }
        assert_eq!(safe_path(None), "/");
        assert_eq!(safe_path(Some(&format!("/{}", "a".repeat(600)))), "/");
    }
}
