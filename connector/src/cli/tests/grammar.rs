use super::{herleid, herleid_in};
use crate::cli::actions::Unplugged;
use crate::cli::arguments::{Chosen, CommandLine, NamedInput};
use crate::cli::page::{examples, page};
use crate::control::protocol::NAMES;
use clap::{Command, CommandFactory, Parser};
use std::path::{Path, PathBuf};

#[test]
fn the_grammar_is_consistent() {
    CommandLine::command().debug_assert();
}

/// Words as a POSIX shell splits them, as far as the examples need: single quotes and redirections.
fn words(line: &str) -> Vec<String> {
    let line = line.replace("\\\n", "");
    let (mut words, mut word, mut quoted) = (Vec::new(), String::new(), false);
    for c in line.split(" > ").next().unwrap().chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(std::mem::take(&mut word)),
            c => word.push(c),
        }
    }
    assert!(!quoted, "{line}");
    words.push(word);
    words.retain(|w| !w.is_empty());
    words
}

fn each(command: &Command, seen: &mut Vec<(String, Vec<String>)>) {
    for inner in command.get_subcommands() {
        seen.push((inner.get_name().to_owned(), examples(inner)));
        each(inner, seen);
    }
}

#[test]
fn every_command_has_an_example_and_every_example_parses() {
    let mut all = Vec::new();
    each(&CommandLine::command(), &mut all);
    assert!(all.len() >= 21, "{} commands", all.len());
    for (name, lines) in all {
        assert!(!lines.is_empty(), "`{name}` has no example");
        for line in lines {
            assert!(
                line.lines().all(|l| l.len() < 98),
                "would be broken anew in a terminal of 100 columns: {line}"
            );
            let words = words(&line);
            assert!(words.contains(&name), "{line}");
            CommandLine::try_parse_from(&words).unwrap_or_else(|e| panic!("{line}\n{e}"));
        }
    }
}

#[test]
fn every_command_of_the_protocol_can_be_typed() {
    let grammar = CommandLine::command();
    for name in NAMES {
        assert!(grammar.find_subcommand(name).is_some(), "{name}");
    }
}

#[test]
fn the_documentation_is_what_the_grammar_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/commands.md");
    if std::env::var_os("HERLEID_WRITE_DOCS").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == page(),
        "docs/commands.md is out of date: HERLEID_WRITE_DOCS=1 cargo test -p herleid writes it anew"
    );
}

#[test]
fn an_input_is_a_transaction_only_if_it_is_a_uuid_in_full() {
    let source = |text: &str| text.parse::<NamedInput>().unwrap().source;
    let uuid = "0192f0c1-2b3c-7d4e-8f50-112233445566";
    assert_eq!(source(&format!("rain={uuid}")), Ok(uuid.parse().unwrap()));
    assert_eq!(
        source(&format!("rain=./{uuid}")),
        Err(PathBuf::from(format!("./{uuid}")))
    );
    // Thirty-two hex digits are also a file's name, such as a digest's.
    let bare = uuid.replace('-', "");
    assert_eq!(source(&format!("rain={bare}")), Err(PathBuf::from(bare)));
    assert_eq!(source("rain=a=b.csv"), Err(PathBuf::from("a=b.csv")));
    for wrong in ["rain", "=x", "rain="] {
        assert!(wrong.parse::<NamedInput>().is_err(), "{wrong}");
    }
}

#[test]
fn what_does_not_parse_is_a_usage_error_and_help_is_not() {
    for wrong in [
        &["frobnicate"][..],
        &["pull"],
        &["publish", "a", "--model", "b", "--id", "i", "--policy", "p"],
        &["publish", "--model", "b", "--id", "i", "--title", "t", "--policy", "p"],
        &["publish", "a", "--id", "i", "--policy", "p"],
        &["publish", "--id", "i", "--title", "t", "--policy", "p"],
        &["negotiate", "did:web:a.example", "d", "--purpose", "no IRI"],
        &["decide", "--case", "c"],
        &["credential", "issue", "--subject", "did:nonsense:x", "--type", "T"],
        &[
            "credential",
            "issue",
            "--subject",
            "did:web:a.example",
            "--type",
            "T",
            "--valid-days",
            "0",
        ],
        &["status", "--lang", "fr"],
        &[],
    ] {
        let ran = herleid(&Unplugged, wrong);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{wrong:?}");
        assert!(!ran.err.is_empty(), "{wrong:?}");
    }
    for right in [&["--help"][..], &["--version"], &["pull", "--help"], &["help", "pull"]] {
        let ran = herleid(&Unplugged, right);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{right:?}");
    }
    assert!(
        herleid(&Unplugged, &["pull", "--help"])
            .out
            .contains("herleid pull urn:uuid:")
    );
}

#[test]
fn usage_errors_say_what_is_wrong_in_the_readers_language_and_to_scripts() {
    let ran = herleid(&Unplugged, &["catalog", "x", "--limit", "y"]);
    let said = "herleid: `--limit <NUMBER>` cannot be `y`\n  found: invalid digit found in string\n  \
                what to do: `herleid catalog --help` shows how it is used\n";
    assert_eq!(ran.err, said);
    let ran = herleid_in("nl", &Unplugged, &["pul"]);
    assert!(
        ran.err.contains("er is geen opdracht `pul`") && ran.err.contains("`push, publish, pull`"),
        "{}",
        ran.err
    );
    let ran = herleid_in("nl", &Unplugged, &["pull"]);
    assert!(
        ran.err.contains("nog nodig: <AGREEMENT>") && ran.err.contains("`herleid pull --help`"),
        "{}",
        ran.err
    );
    let ran = herleid(&Unplugged, &["status", "--jsno"]);
    assert!(
        ran.err.contains("there is no option `--jsno`") && ran.err.contains("`--json`"),
        "{}",
        ran.err
    );
    let ran = herleid(&Unplugged, &["publish", "a", "--model", "b", "--id", "i"]);
    assert!(ran.err.contains("exclude each other"), "{}", ran.err);
    let ran = herleid(&Unplugged, &["credential", "issue", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (2, ""));
    assert_eq!(ran.json()["error"]["code"], "usage");
    assert_eq!(
        ran.json()["error"]["next"],
        "`herleid credential issue --help` shows how it is used"
    );
}

#[test]
fn help_speaks_dutch() {
    let ran = herleid_in("nl", &Unplugged, &["pull", "--help"]);
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    assert!(
        ran.out.contains("Gebruik: herleid pull") && ran.out.contains("Voorbeeld:"),
        "{}",
        ran.out
    );
    assert!(herleid_in("nl", &Unplugged, &["--help"]).out.contains("Opdrachten:"));
    assert_eq!(
        herleid_in("nl", &Unplugged, &["--version"]).out,
        herleid(&Unplugged, &["--version"]).out
    );
}

#[test]
fn global_options_stand_anywhere() {
    let line = CommandLine::try_parse_from(["herleid", "status", "--json", "--config", "a.toml", "-q"]).unwrap();
    assert!(line.global.json && line.global.quiet && !line.global.development);
    assert_eq!(line.global.config, Path::new("a.toml"));
    assert!(matches!(line.chosen, Chosen::Status(_)));
}

#[test]
fn completions_are_written_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let ran = herleid(&Unplugged, &["completions", shell]);
        assert_eq!(ran.code, 0);
        assert!(ran.out.contains("negotiate"), "{shell}");
    }
}
