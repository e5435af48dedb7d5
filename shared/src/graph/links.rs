//! Links that Graph hands out. One is followed, with our token on it, only to the very server of the configured base.

use url::Url;

/// `link` as a URL, if it leads to the scheme, host and port of `base` and carries no credentials.
pub(super) fn same_server(base: &Url, link: &str) -> Option<Url> {
    let url = Url::parse(link).ok()?;
    let same = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default();
    let anonymous = url.username().is_empty() && url.password().is_none();
    (same && anonymous && url.host().is_some()).then_some(url)
}

/// The part of `url` below `base`, as a batch wants it.
pub(super) fn below(base: &Url, url: &Url) -> Option<String> {
    let path = url.path().strip_prefix(base.path().trim_end_matches('/'))?;
    if !path.starts_with('/') {
        return None;
    }
    Some(
        url.query()
            .map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_server_is_followed() {
        let base = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        for good in [
            "https://graph.microsoft.com/v1.0/users?$skiptoken=a",
            "https://graph.microsoft.com:443/v1.0/users",
            "https://GRAPH.microsoft.com/v1.0/users",
        ] {
            assert!(same_server(&base, good).is_some(), "{good}");
        }
        for bad in [
            "http://graph.microsoft.com/v1.0/users",
            "https://graph.microsoft.com:8443/v1.0/users",
            "https://graph.microsoft.com.evil.example/users",
            "https://graph.microsoft.com@evil.example/users",
            "https://me@graph.microsoft.com/users",
            "//evil.example/users",
            "/v1.0/users",
            "",
        ] {
            assert!(same_server(&base, bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_batch_gets_the_part_below_the_base() {
        let base = Url::parse("https://graph.microsoft.com/v1.0").unwrap();
        let link = Url::parse("https://graph.microsoft.com/v1.0/groups/1/members?$skiptoken=a%3D").unwrap();
        assert_eq!(
            below(&base, &link).as_deref(),
            Some("/groups/1/members?$skiptoken=a%3D")
        );
        let elsewhere = Url::parse("https://graph.microsoft.com/beta/groups").unwrap();
        assert_eq!(below(&base, &elsewhere), None);
        let lookalike = Url::parse("https://graph.microsoft.com/v1.00/groups").unwrap();
        assert_eq!(below(&base, &lookalike), None);
    }
}
