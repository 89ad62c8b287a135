//! How parsers of what comes from outside are tried with what nobody thought of: a few hundred cases with every run of the tests, as many
//! as `HERLEID_FUZZ_CASES` says in a run by name (`make fuzz`). A case that fails prints what it was given.

use proptest::prelude::*;
use proptest::sample::Index;

/// How many cases are tried.
pub(crate) fn cases() -> ProptestConfig {
    let asked = std::env::var("HERLEID_FUZZ_CASES").ok();
    ProptestConfig {
        cases: asked.map_or(256, |text| text.parse().expect("HERLEID_FUZZ_CASES is a number")),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// One of these texts, with some of its characters replaced and its end cut off: what is nearly right gets further than noise.
pub(crate) fn damaged(samples: &'static [&'static str]) -> impl Strategy<Value = String> {
    let change = (
        any::<Index>(),
        prop_oneof![
            any::<char>(),
            prop::sample::select(vec!['"', '[', ']', '=', '\n', '#', '*', '0'])
        ],
    );
    let changes = prop::collection::vec(change, 0..5);
    (prop::sample::select(samples), changes, prop::option::of(any::<Index>())).prop_map(|(sample, changes, cut)| {
        let mut text: Vec<char> = sample.chars().collect();
        for (at, character) in changes {
            let at = at.index(text.len());
            text[at] = character;
        }
        if let Some(cut) = cut {
            text.truncate(cut.index(text.len()));
        }
        text.into_iter().collect()
    })
}

/// Lines of TOML that are made of these names and of values of every kind.
pub(crate) fn lines(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    let value = prop_oneof![
        prop::sample::select(vec![
            "\"\"",
            "\"*\"",
            "\"a*b\"",
            "\"webhook\"",
            "\"person\"",
            "\"agree\"",
            "\"REQUESTED\"",
            "\"provider\"",
            "[]",
            "{}",
            "true",
            "3600001",
            "-1",
            "1e400",
            "nan",
            "1979-05-27",
            "[1, \"a\"]",
            "{ nl = \"Regen\" }",
            "\"https://a.example/hook\"",
        ])
        .prop_map(str::to_owned),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| format!("{n:?}")),
        "\\PC{0,20}".prop_map(|text| format!("{text:?}")),
    ];
    let line = prop_oneof![
        4 => (prop::sample::select(names), value).prop_map(|(name, value)| format!("{name} = {value}\n")),
        1 => prop::sample::select(names).prop_map(|name| format!("[{name}]\n")),
        1 => prop::sample::select(names).prop_map(|name| format!("[[{name}]]\n")),
        1 => "\\PC{0,20}\n",
    ];
    prop::collection::vec(line, 0..12).prop_map(|lines| lines.concat())
}
