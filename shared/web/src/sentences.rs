//! Sentences that the API answers and the table keeps in English, said in another language. Each has a key and, in the
//! English texts, its form with the places of its values; a sentence of that form is ours. Any other comes from outside,
//! from Microsoft or the PBX, and is quoted as it stands.

use std::cell::Cell;
use std::sync::LazyLock;

use crate::words::{ENGLISH_SENTENCES, Language, Words};

/// How keys of sentences begin.
const KEY: &str = "s-";
/// Values whose name begins so are sentences themselves.
const SENTENCE: &str = "why";
/// Values whose name begins so are words that have a form, or stay as they are.
const WORD: &str = "word";
/// Values whose name begins so have no blanks in them.
const ONE: &str = "one";
/// Values of this name come from outside.
const THEIRS: &str = "theirs";
/// A sentence within a sentence within a sentence has no more than these.
const DEEPEST: u8 = 6;
/// Texts that are looked at for one sentence. One of ours takes a few.
const MOST_LOOKS: u32 = 500;

/// A sentence in the language of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Its words.
    pub text: String,
    /// Whether it is one of ours, as a whole.
    pub is_ours: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Words(String),
    Value(String),
}

/// The form of one sentence.
#[derive(Debug)]
struct Form {
    key: String,
    pieces: Vec<Piece>,
}

/// The most telling ones first: of two forms that fit, the one with more words of its own is meant.
static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let lines = ENGLISH_SENTENCES.lines().filter(|line| line.starts_with(KEY));
    let mut forms: Vec<Form> = lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(key, text)| Form {
            key: key.to_owned(),
            pieces: pieces(text),
        })
        .collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.own_words()));
    forms
});

fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut parts = text.split("{ $");
    let mut words = |text: &str| {
        if !text.is_empty() {
            pieces.push(Piece::Words(text.to_owned()));
        }
    };
    words(parts.next().unwrap_or_default());
    for part in parts {
        let (name, rest) = part.split_once(" }").unwrap_or((part, ""));
        pieces.push(Piece::Value(name.to_owned()));
        if !rest.is_empty() {
            pieces.push(Piece::Words(rest.to_owned()));
        }
    }
    pieces
}

impl Form {
    fn own_words(&self) -> usize {
        let words = |piece: &Piece| match piece {
            Piece::Words(text) => text.len(),
            Piece::Value(_) => 0,
        };
        self.pieces.iter().map(words).sum()
    }

    /// The values of a sentence of this form. Where the words after a value come several times, `last` takes their last place.
    fn values<'a>(&'a self, sentence: &'a str, last: bool) -> Option<Vec<(&'a str, &'a str)>> {
        let mut values = Vec::new();
        let mut rest = sentence;
        let mut open: Option<&str> = None;
        let end = self.pieces.len().saturating_sub(1);
        for (place, piece) in self.pieces.iter().enumerate() {
            match (piece, open.take()) {
                (Piece::Value(name), _) => open = Some(name),
                (Piece::Words(words), None) => rest = rest.strip_prefix(words.as_str())?,
                (Piece::Words(words), Some(name)) => {
                    let (value, after) = if place == end {
                        (rest.strip_suffix(words.as_str())?, "")
                    } else if last {
                        rest.rsplit_once(words.as_str())?
                    } else {
                        rest.split_once(words.as_str())?
                    };
                    values.push((name, value));
                    rest = after;
                }
            }
        }
        match open {
            Some(name) => values.push((name, rest)),
            None if rest.is_empty() => {}
            None => return None,
        }
        values
            .iter()
            .all(|(name, value)| may_be(name, value))
            .then_some(values)
    }
}

fn may_be(name: &str, value: &str) -> bool {
    let has_blanks = name.starts_with(ONE) && value.contains(' ');
    !value.is_empty() && !has_blanks
}

/// How much a sentence may be looked at: names in it may look like joints of sentences, and there may be any number.
#[derive(Clone, Copy)]
struct Effort<'a> {
    depth: u8,
    looks: &'a Cell<u32>,
}

impl Effort<'_> {
    /// One look more, one level deeper; `None` when it is enough.
    fn deeper(self) -> Option<Self> {
        self.looks.set(self.looks.get().checked_sub(1)?);
        let depth = self.depth.checked_sub(1)?;
        Some(Self { depth, ..self })
    }
}

impl Words {
    /// An English sentence in this language.
    pub fn said(&self, sentence: &str) -> Said {
        if self.0 == Language::English {
            return Said {
                text: sentence.to_owned(),
                is_ours: true,
            };
        }
        let looks = Cell::new(MOST_LOOKS);
        let effort = Effort {
            depth: DEEPEST,
            looks: &looks,
        };
        self.find(sentence, effort).map_or_else(
            || Said {
                text: self.quoted(sentence),
                is_ours: false,
            },
            |text| Said { text, is_ours: true },
        )
    }

    /// The key of the sentence, if it is one of ours.
    pub fn key_of(sentence: &str) -> Option<&'static str> {
        let form = FORMS.iter().find(|form| form.values(sentence, false).is_some())?;
        Some(form.key.as_str())
    }

    fn quoted(self, sentence: &str) -> String {
        self.with("quoted", &[("text", sentence)])
    }

    fn find(self, sentence: &str, effort: Effort<'_>) -> Option<String> {
        let effort = effort.deeper()?;
        let whole = FORMS
            .iter()
            .find_map(|form| Some((form, form.values(sentence, false)?)));
        let Some((form, values)) = whole else {
            return self.each(sentence, effort);
        };
        if let Some(text) = self.filled(form, values.clone(), effort, true) {
            return Some(text);
        }
        let others = form.values(sentence, true);
        others
            .and_then(|others| self.filled(form, others, effort, true))
            .or_else(|| self.filled(form, values, effort, false))
    }

    /// The sentence with these values; `None` if it is `strict` and one that must be a sentence of ours is none.
    fn filled(
        self,
        form: &Form,
        values: Vec<(&str, &str)>,
        effort: Effort<'_>,
        strict: bool,
    ) -> Option<String> {
        let mut said = Vec::new();
        for (name, value) in values {
            let found = if name.starts_with(SENTENCE) || name.starts_with(WORD) {
                self.find(value, effort)
            } else {
                None
            };
            let value = match found {
                Some(found) => found,
                None if name.starts_with(SENTENCE) && strict => return None,
                None if name.starts_with(SENTENCE) || name == THEIRS => self.quoted(value),
                None => value.to_owned(),
            };
            said.push((name, value));
        }
        let values: Vec<(&str, &str)> = said.iter().map(|(name, value)| (*name, value.as_str())).collect();
        Some(self.with(&form.key, &values))
    }

    /// Several sentences in one line, if the first is ours.
    fn each(self, sentences: &str, effort: Effort<'_>) -> Option<String> {
        sentences.match_indices("; ").find_map(|(place, mark)| {
            let (first, rest) = (sentences.get(..place)?, sentences.get(place + mark.len()..)?);
            let first = self.find(first, effort)?;
            let rest = self.find(rest, effort).unwrap_or_else(|| self.quoted(rest));
            Some(self.with("sentences", &[("first", &first), ("rest", &rest)]))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(text: &str) -> Form {
        Form {
            key: String::new(),
            pieces: pieces(text),
        }
    }

    #[test]
    fn a_form_gives_the_values_of_its_sentences_and_fits_no_other() {
        let two = form("{ $oneLeft } of { $all } remain");
        assert_eq!(
            two.values("3 of 9 remain", false).unwrap(),
            [("oneLeft", "3"), ("all", "9")]
        );
        for other in [
            "3 of 9",
            "3 of 9 remain.",
            " of  remain",
            "3 or 4 of 9 remain",
            "",
        ] {
            assert_eq!(two.values(other, false), None, "{other}");
        }
        let open = form("the PBX says { $theirs }");
        assert_eq!(open.values("the PBX says no", false).unwrap(), [("theirs", "no")]);
        assert_eq!(open.values("the PBX says ", false), None);
        let twice = form("{ $why }; { $whyMend }");
        let last = twice.values("a; b; c", true).unwrap();
        assert_eq!(last, [("why", "a; b"), ("whyMend", "c")]);
    }

    #[test]
    fn english_stays_as_it_is_and_what_is_not_ours_is_quoted() {
        let english = Words(Language::English);
        assert_eq!(english.said("anything").text, "anything");
        let chinese = Words(Language::Chinese);
        let theirs = chinese.said("Extension limit reached");
        assert!(!theirs.is_ours);
        assert_eq!(theirs.text, "“Extension limit reached”");
        let both = chinese.said("must be from 10 to 600; Extension limit reached");
        assert_eq!(both.text, "必须在 10 至 600 之间；“Extension limit reached”");
    }

    #[test]
    fn sentences_within_sentences_are_said_too() {
        let chinese = Words(Language::Chinese);
        for (english, said) in [
            (
                "user sync: 40 of 100 extensions would be removed; more than 10 need an approval",
                "用户同步：将移除 100 个分机中的 40 个；超过 10 个需要批准",
            ),
            (
                "Microsoft refused the sign-in: the client secret is not one of this app's; the secret's value is needed, not its id (AADSTS7000215); make a new secret in the app registration",
                "Microsoft 拒绝了登录：客户端密码不属于此应用；需要填写密码的值，而不是其 ID（AADSTS7000215）；请在应用注册中创建新的密码",
            ),
            (
                "First Name was cut to 63 characters, the most the PBX takes",
                "名已截短为 PBX 允许的 63 个字符",
            ),
            (
                "the PBX refused the value of email_addr: 40002 The parameter email_addr is invalid.",
                "PBX 拒绝了 email_addr 的值：“40002 The parameter email_addr is invalid.”",
            ),
        ] {
            assert_eq!(chinese.said(english).text, said);
        }
    }

    #[test]
    fn a_text_that_has_no_end_of_joints_is_quoted_soon() {
        let endless = "a; ".repeat(20_000);
        let said = Words(Language::Chinese).said(&endless);
        assert!(!said.is_ours);
        let looks = Cell::new(MOST_LOOKS);
        let effort = Effort {
            depth: DEEPEST,
            looks: &looks,
        };
        assert_eq!(Words(Language::Chinese).find(&endless, effort), None);
        assert_eq!(looks.get(), 0, "it was looked at to the last, and no more");
    }

    #[test]
    fn every_form_is_its_own_and_finds_itself() {
        let mut seen = std::collections::BTreeSet::new();
        for form in FORMS.iter() {
            assert!(seen.insert(&form.key), "{} is there twice", form.key);
            let sentence: String = form
                .pieces
                .iter()
                .map(|piece| match piece {
                    Piece::Words(words) => words.as_str(),
                    Piece::Value(_) => "7",
                })
                .collect();
            let found = Words::key_of(&sentence);
            assert_eq!(found, Some(form.key.as_str()), "{sentence}");
        }
        assert!(seen.len() > 200);
    }
}
