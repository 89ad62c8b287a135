use super::*;
use fluent_syntax_free::Sentences;

/// A small reader of the two files: which keys there are, and which variables each uses. Apart from the crate that
/// formats them, so that a mistake in the use of that crate does not hide itself.
mod fluent_syntax_free {
    use std::collections::{BTreeMap, BTreeSet};

    pub(super) type Sentences = BTreeMap<String, BTreeSet<String>>;

    pub(super) fn read(file: &str) -> Sentences {
        let mut sentences = Sentences::new();
        let mut last = String::new();
        for line in file.lines().filter(|l| !l.trim().is_empty() && !l.starts_with('#')) {
            if !line.starts_with([' ', '}']) {
                let (key, _) = line
                    .split_once(" =")
                    .unwrap_or_else(|| panic!("not a sentence: {line}"));
                last = key.to_owned();
                assert!(
                    sentences.insert(last.clone(), BTreeSet::new()).is_none(),
                    "{last} stands twice"
                );
            }
            for rest in line.split('$').skip(1) {
                let name: String = rest
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                sentences.get_mut(&last).unwrap().insert(name);
            }
        }
        sentences
    }
}

fn read(language: Language) -> Sentences {
    fluent_syntax_free::read(language.sentences())
}

/// What the code asks for: every `"a-key", &[("name", ...)]` of a source, as key and names.
fn asked(source: &str) -> Vec<(String, Vec<String>)> {
    let is_key = |k: &str| {
        k.contains('-')
            && k.bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    let questions = source.match_indices("\",").filter_map(|(at, mark)| {
        let list = source[at + mark.len()..].trim_start().strip_prefix("&[")?;
        let key = source[..at].rsplit('"').next().filter(|key| is_key(key))?;
        list.trim_start()
            .starts_with(['(', ']'])
            .then(|| (key.to_owned(), names(list)))
    });
    questions.collect()
}

/// First members of the pairs of a list, up to its closing bracket.
fn names(list: &str) -> Vec<String> {
    let mut depth = 0;
    let end = list.char_indices().find(|(_, c)| {
        depth += i32::from(*c == '[') - i32::from(*c == ']');
        depth < 0
    });
    let list = &list[..end.map_or(list.len(), |(at, _)| at)];
    let pairs = list.match_indices('(').filter_map(|(at, _)| {
        let name = list[at + 1..].trim_start().strip_prefix('"')?.split('"').next()?;
        list[at + 1..].trim_start()[name.len() + 2..]
            .starts_with(',')
            .then(|| name.to_owned())
    });
    pairs.collect()
}

fn sources(directory: &std::path::Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("messages/tests.rs") {
            into.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
}

fn this_crate() -> Vec<(String, String)> {
    let mut found = Vec::new();
    sources(
        &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    assert!(found.len() > 3, "the sources of this crate were not found");
    found
}

#[test]
fn both_languages_have_the_same_sentences_with_the_same_variables() {
    let (english, dutch) = (read(Language::English), read(Language::Dutch));
    assert!(english.len() > 10);
    for (key, variables) in &english {
        assert_eq!(
            dutch.get(key),
            Some(variables),
            "`{key}` differs between en.ftl and nl.ftl"
        );
    }
    for key in dutch.keys() {
        assert!(english.contains_key(key), "`{key}` stands in nl.ftl and not in en.ftl");
    }
}

#[test]
fn every_sentence_can_be_formatted() {
    for language in Language::ALL {
        let resource = FluentResource::try_new(language.sentences().to_owned());
        assert!(
            resource.is_ok(),
            "{}.ftl: {:?}",
            language.code(),
            resource.err().map(|(_, errors)| errors)
        );
        let messages = Messages::of(language);
        for (key, variables) in read(language) {
            let values: Vec<(&str, &str)> = variables.iter().map(|v| (v.as_str(), "xyz")).collect();
            let text = messages.text(&key, &values);
            assert!(
                !text.contains("{$") && !text.contains(&format!("[{key}]")),
                "{key}: {text}"
            );
            assert_eq!(text.matches("xyz").count() > 0, !variables.is_empty(), "{key}: {text}");
        }
    }
}

#[test]
fn every_sentence_that_the_code_asks_for_exists_with_its_variables() {
    let sentences = read(Language::English);
    for (file, source) in this_crate() {
        for (key, names) in asked(&source) {
            let wanted = sentences.get(&key);
            let wanted = wanted.unwrap_or_else(|| panic!("{file} asks for `{key}`: add it to en.ftl and nl.ftl"));
            for variable in wanted {
                assert!(
                    names.contains(variable),
                    "{file}: `{key}` needs the variable `{variable}`, given: {names:?}"
                );
            }
        }
    }
}

/// Whether a key stands in the code: as a whole, or put together as in `format!("cli-step-{step}")`.
fn stands(code: &str, key: &str) -> bool {
    let put_together = |(at, _): (usize, &str)| code.contains(&format!("\"{}{{", &key[..=at]));
    code.contains(&format!("\"{key}\"")) || key.match_indices('-').any(put_together)
}

#[test]
fn every_sentence_is_asked_for() {
    let code: String = this_crate().into_iter().map(|(_, source)| source).collect();
    for key in read(Language::English).keys() {
        assert!(
            stands(&code, key),
            "`{key}` is used nowhere: remove it from en.ftl and nl.ftl"
        );
    }
    assert!(stands("f(\"a-b\")", "a-b") && stands("format!(\"a-b-{x}\")", "a-b-c") && !stands("f(\"a-b\")", "a-b-c"));
}

#[test]
fn the_search_for_questions_finds_them() {
    let source = r#"
        telling.step("demo-one", &[]);
        m.text(
            "demo-two",
            &[("count", &n.to_string()), ("list", &f(&[1, 2]))],
        );
        Command::new("not-a-key", &["--flag"]);
        call("plain", &[]);
    "#;
    let found = asked(source);
    let expected = vec![
        ("demo-one".to_owned(), vec![]),
        ("demo-two".to_owned(), vec!["count".to_owned(), "list".to_owned()]),
    ];
    assert_eq!(found, expected);
}

#[test]
fn counts_choose_the_plural_and_other_text_stays_as_it_is() {
    let resource =
        FluentResource::try_new("n = { $n } { $n ->\n    [one] file\n   *[other] files\n}\n".to_owned()).unwrap();
    let mut messages = Messages::of(Language::English);
    messages.bundle.add_resource(resource).unwrap();
    assert_eq!(messages.text("n", &[("n", "1")]), "1 file");
    assert_eq!(messages.text("n", &[("n", "1200")]), "1200 files");
    assert_eq!(messages.text("n", &[("n", "007")]), "007 files");
    assert_eq!(messages.text("n", &[("n", "1.50")]), "1.50 files");
}

#[test]
fn the_locale_chooses_the_language_and_what_is_unknown_is_shown() {
    let dutch = Messages::for_locale(Some("nl_NL.UTF-8"));
    assert_eq!(dutch.language(), Language::Dutch);
    assert_eq!(
        dutch.text("config-place-line", &[("file", "a.toml"), ("line", "3")]),
        "`a.toml`, regel 3"
    );
    assert_eq!(Messages::for_locale(None).language(), Language::English);
    assert_eq!(
        Messages::for_locale(Some("fr")).text("no-such-sentence", &[]),
        "[no-such-sentence]"
    );
}
