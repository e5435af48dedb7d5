//! Every sentence that a page says, in English and in Simplified Chinese. A key that one of them lacks fails a test.

use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource};
use http::{HeaderMap, header};
use unic_langid::LanguageIdentifier;

use crate::cookies::{CookieKind, read_cookie};

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

/// Says things in one language.
#[derive(Debug, Clone, Copy)]
pub struct Words(pub Language);

const ENGLISH: &str = include_str!("../texts/en.ftl");
const CHINESE: &str = include_str!("../texts/zh-CN.ftl");
/// Those that the API answers; see `sentences`.
pub(crate) const ENGLISH_SENTENCES: &str = include_str!("../texts/sentences.en.ftl");
const CHINESE_SENTENCES: &str = include_str!("../texts/sentences.zh-CN.ftl");

type Bundle = FluentBundle<FluentResource>;

static BUNDLES: LazyLock<(Bundle, Bundle)> = LazyLock::new(|| {
    (
        bundle("en", [ENGLISH, ENGLISH_SENTENCES]),
        bundle("zh-CN", [CHINESE, CHINESE_SENTENCES]),
    )
});

fn bundle(language: &str, texts: [&str; 2]) -> Bundle {
    let id: LanguageIdentifier = language.parse().expect("both are names of languages");
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Names stand in sentences of one direction; the marks would show in some terminals.
    bundle.set_use_isolating(false);
    for text in texts {
        // What does not parse is left out; a test reads every key.
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

impl Language {
    /// The language that a browser prefers, unless a choice (`en`, `zh-CN`) was made, now or earlier.
    pub fn of(headers: &HeaderMap, chosen: Option<&str>) -> Self {
        let kept = read_cookie(headers, CookieKind::Language);
        let preferred = headers
            .get(header::ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok());
        chosen
            .and_then(Self::named)
            .or_else(|| kept.and_then(Self::named))
            .or_else(|| preferred.and_then(Self::preferred))
            .unwrap_or_default()
    }

    /// The tag of the language (BCP 47).
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The other one.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::English => Self::Chinese,
            Self::Chinese => Self::English,
        }
    }

    /// What its speakers call it.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Chinese => "简体中文",
        }
    }

    /// The language with this tag.
    pub fn named(tag: &str) -> Option<Self> {
        let primary = tag.trim().split(['-', '_']).next()?;
        match primary.to_ascii_lowercase().as_str() {
            "en" => Some(Self::English),
            "zh" => Some(Self::Chinese),
            _ => None,
        }
    }

    /// The first of those that we speak; browsers list them in the order of preference.
    fn preferred(header: &str) -> Option<Self> {
        header
            .split(',')
            .filter_map(|part| part.split(';').next())
            .find_map(Self::named)
    }
}

impl Words {
    /// The sentence with this key; the key itself where nobody wrote one.
    pub fn text(&self, key: &str) -> String {
        self.with(key, &[])
    }

    /// The sentence with this key, if there is one.
    pub fn maybe(&self, key: &str) -> Option<String> {
        let (english, _) = &*BUNDLES;
        english.get_message(key).map(|_| self.text(key))
    }

    /// The same with values in it.
    pub fn with(&self, key: &str, values: &[(&str, &str)]) -> String {
        let (english, chinese) = &*BUNDLES;
        let bundle = match self.0 {
            Language::English => english,
            Language::Chinese => chinese,
        };
        let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, "a page says something that nobody wrote");
            return key.to_owned();
        };
        let mut args = FluentArgs::new();
        for (name, value) in values {
            args.set(*name, *value);
        }
        // Errors name values that a sentence lacks; a test gives all of them.
        let mut errors = Vec::new();
        bundle
            .format_pattern(pattern, Some(&args), &mut errors)
            .into_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    /// Each key with the values that its sentence takes.
    fn keys(text: &str) -> BTreeMap<String, BTreeSet<String>> {
        FluentResource::try_new(text.to_owned()).expect("the file is well-formed");
        let mut keys = BTreeMap::new();
        let mut last = String::new();
        for line in text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        {
            if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                key.clone_into(&mut last);
            }
            let values = line
                .split("{ $")
                .skip(1)
                .filter_map(|rest| rest.split(' ').next());
            keys.entry(last.clone())
                .or_insert_with(BTreeSet::new)
                .extend(values.map(str::to_owned));
        }
        keys
    }

    #[test]
    fn both_languages_have_every_sentence_with_the_same_values() {
        let (english, chinese) = (keys(ENGLISH), keys(CHINESE));
        assert!(english.len() > 20);
        assert_eq!(english, chinese);
        let sentences = keys(ENGLISH_SENTENCES);
        assert_eq!(sentences, keys(CHINESE_SENTENCES));
        for key in english.keys().chain(sentences.keys()) {
            for language in [Language::English, Language::Chinese] {
                assert_ne!(Words(language).text(key), *key);
            }
        }
    }

    #[test]
    fn a_choice_outweighs_the_browser_and_english_is_for_everybody_else() {
        let mut headers = HeaderMap::new();
        assert_eq!(Language::of(&headers, None), Language::English);
        headers.insert(
            header::ACCEPT_LANGUAGE,
            "fr-FR,zh-Hans;q=0.9,en;q=0.8".parse().unwrap(),
        );
        assert_eq!(Language::of(&headers, None), Language::Chinese);
        assert_eq!(Language::of(&headers, Some("en")), Language::English);
        assert_eq!(Language::of(&headers, Some("tlh")), Language::Chinese);
    }
}
