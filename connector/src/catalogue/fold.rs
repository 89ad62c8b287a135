//! Texts made comparable, for searching in Dutch and English: `Riolen` finds `riool`, `cafes` finds `Café`.
//!
//! Each word loses its marks, its case and its commonest endings, roughly; the same is done to what is searched for. That finds rather
//! too much than too little, and asks for no dictionary.

use std::collections::BTreeSet;

/// Words longer than this are cut: no search asks for more, and nobody fills the index with one word.
const WORD_CHARS: usize = 40;

/// A word, folded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// A space, and the word in plain letters: it begins a word of a text.
    plain: String,
    /// Its stem between marks: it is that of a whole word of a text.
    stem: String,
}

/// The words of a text, folded.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word> {
    text.split(|c: char| !c.is_alphanumeric() && !is_mark(c))
        .map(plain)
        .filter(|word| word.chars().count() > 1 || word.chars().any(|c| c.is_ascii_digit()))
        .map(|word| Word {
            stem: format!("\u{1}{}\u{1}", stem(&word)),
            plain: format!(" {word}"),
        })
}

/// All words of some texts: what [`holds`] looks in.
#[must_use]
pub(super) fn folded<'a>(texts: impl Iterator<Item = &'a str>) -> String {
    // Each once, however often it is said: every search looks through all of it.
    let distinct: BTreeSet<String> = texts.flat_map(words).map(|word| word.plain + &word.stem).collect();
    distinct.into_iter().collect()
}

/// Whether each of `wanted` begins a word of `folded`, or has the same stem as one.
#[must_use]
pub(super) fn holds(folded: &str, wanted: &[Word]) -> bool {
    let there = |word: &Word| folded.contains(&word.plain) || folded.contains(&word.stem);
    wanted.iter().all(there)
}

/// A mark that stands after its letter.
fn is_mark(c: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&c)
}

/// Lower case, without marks, in letters of the basic alphabet where there is one.
fn plain(word: &str) -> String {
    let mut plain = String::new();
    for c in word.chars().take(WORD_CHARS).flat_map(char::to_lowercase) {
        match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'ā' | 'ă' | 'ą' => plain.push('a'),
            'ç' | 'ć' | 'č' => plain.push('c'),
            'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => plain.push('e'),
            'ì' | 'í' | 'î' | 'ï' | 'ī' => plain.push('i'),
            'ñ' | 'ń' | 'ň' => plain.push('n'),
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'ō' => plain.push('o'),
            'ù' | 'ú' | 'û' | 'ü' | 'ū' | 'ů' => plain.push('u'),
            'ý' | 'ÿ' => plain.push('y'),
            'š' | 'ś' => plain.push('s'),
            'ž' | 'ź' | 'ż' => plain.push('z'),
            'æ' => plain.push_str("ae"),
            'œ' => plain.push_str("oe"),
            'ß' => plain.push_str("ss"),
            'ĳ' => plain.push_str("ij"),
            mark if is_mark(mark) => {}
            other => plain.push(other),
        }
    }
    plain
}

fn is_vowel(c: char) -> bool {
    matches!(c, 'a' | 'e' | 'i' | 'o' | 'u' | 'y')
}

/// Without the commonest endings of plurals, and with what those change in a word undone.
fn stem(word: &str) -> String {
    let mut stem = word.to_owned();
    let ends = |stem: &str, suffix: &str| stem.ends_with(suffix) && stem.len() >= suffix.len() + 3;
    if ["ies", "en"].iter().any(|e| ends(&stem, e)) || (ends(&stem, "es") && !stem.ends_with("ees")) {
        stem.truncate(stem.len() - 2);
    } else if ends(&stem, "s") {
        let before = stem.chars().rev().nth(1);
        // `huis` and `bus` keep theirs, `trees` and `files` do not.
        if before.is_some_and(|c| c == 'e' || !is_vowel(c)) {
            stem.truncate(stem.len() - 1);
        }
    }
    if ends(&stem, "e") {
        stem.truncate(stem.len() - 1);
    }
    let mut letters: Vec<char> = Vec::with_capacity(stem.len());
    for c in stem.chars() {
        // riool and riolen, weg and wegen: a doubled letter is one.
        if letters.last() == Some(&c) && c.is_alphabetic() {
            continue;
        }
        letters.push(c);
    }
    // duif and duiven, huis and huizen, city and cities.
    let long = letters.len() > 2;
    if let Some(last) = letters.last_mut().filter(|_| long) {
        *last = match *last {
            'v' => 'f',
            'z' => 's',
            'y' => 'i',
            other => other,
        };
    }
    letters.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finds(asked: &str, text: &str) -> bool {
        let wanted: Vec<Word> = words(asked).collect();
        holds(&folded(std::iter::once(text)), &wanted)
    }

    #[test]
    fn plurals_marks_and_cases_do_not_matter() {
        for (asked, text) in [
            ("riool", "Riolen in Vlissingen"),
            ("riolen", "het riool"),
            ("wegen", "de weg"),
            ("huis", "huizen"),
            ("huizen", "Huis"),
            ("duif", "duiven"),
            ("bossen", "bos"),
            ("cafe", "Cafés"),
            ("cafés", "CAFE"),
            ("cities", "the city"),
            ("tree", "trees"),
            ("roads", "road"),
            ("gauge", "rain gauges"),
            ("regen vlissingen", "Regen per uur, Vlissingen"),
            ("neersl", "Neerslagmeting"),
            ("financiele", "financiële gegevens"),
            ("2020", "juni 2020"),
            ("ijssel", "Ĳssel"),
            ("cafe\u{301}", "café"),
        ] {
            assert!(
                finds(asked, text),
                "{asked} in {text}: {:?}",
                words(asked).collect::<Vec<_>>()
            );
        }
    }

    #[test]
    fn other_words_are_not_found() {
        for (asked, text) in [
            ("riool", "radio"),
            ("regen sneeuw", "regen"),
            ("uur", "duur"),
            ("tree", "street"),
            ("regen", "regels per regio"),
        ] {
            assert!(!finds(asked, text), "{asked} in {text}");
        }
    }

    #[test]
    fn nothing_but_signs_asks_for_nothing() {
        assert_eq!(words("-- !? …").count(), 0);
        assert_eq!(
            folded(["regen regen", "regen"].into_iter()),
            folded(["Regen"].into_iter())
        );
        assert!(folded(["x".repeat(5_000).as_str()].into_iter()).len() <= 2 * WORD_CHARS + 3);
    }
}
