//! The help in Dutch: laid over the grammar, whose own texts are English.

mod help;
mod policies;
mod proving;

use clap::{Arg, ArgAction, Command};
use help::HELP;
use policies::POLICIES;
use proving::PROVING;

/// The grammar with every text in Dutch. Names of commands and options stay as they are: scripts use them.
pub(super) fn dutch(grammar: Command) -> Command {
    over(grammar.disable_help_subcommand(true), "")
}

fn over(command: Command, before: &str) -> Command {
    let path = match (before, command.get_name()) {
        (_, "herleid") => String::new(),
        ("", name) => name.to_owned(),
        (before, name) => format!("{before} {name}"),
    };
    let names: Vec<String> = command.get_subcommands().map(|c| c.get_name().to_owned()).collect();
    let examples = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut command = command
        .about(find(&path))
        .after_help(
            examples
                .replace("Examples:", "Voorbeelden:")
                .replace("Example:", "Voorbeeld:")
                .replace(
                    "Exit codes and every command with its options",
                    "Alle opdrachten met hun opties en uitkomstcodes",
                ),
        )
        .subcommand_help_heading("Opdrachten")
        .help_template("{about-with-newline}\nGebruik: {usage}\n\n{all-args}{after-help}")
        .disable_help_flag(true)
        .arg(
            Arg::new("help")
                .short('h')
                .long("help")
                .action(ArgAction::Help)
                .help("Toon deze hulp"),
        );
    if path.is_empty() {
        command = command.disable_version_flag(true).arg(
            Arg::new("version")
                .short('V')
                .long("version")
                .action(ArgAction::Version)
                .help("Toon de versie"),
        );
    }
    command = command.mut_args(|argument| {
        let id = argument.get_id().to_string();
        let heading = match (argument.is_global_set(), argument.is_positional()) {
            (true, _) => "Opties van elke opdracht",
            (false, true) => "Argumenten",
            (false, false) => "Opties",
        };
        let key = if argument.is_global_set() {
            id.clone()
        } else {
            format!("{path}.{id}")
        };
        let help = match id.as_str() {
            "help" | "version" => argument.get_help().map(ToString::to_string).unwrap_or_default(),
            _ => find(&key).to_owned(),
        };
        argument.help_heading(heading).help(help)
    });
    for name in names {
        command = command.mut_subcommand(name, |inner| over(inner, &path));
    }
    command
}

/// The text of a command (its path, empty for the program), of its argument (`path.id`), or of a global option (`id`).
fn find(key: &str) -> &'static str {
    HELP.iter()
        .chain(PROVING)
        .chain(POLICIES)
        .find(|(known, _)| *known == key)
        .map_or("[?]", |(_, text)| text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::arguments::CommandLine;
    use clap::CommandFactory;
    use std::collections::BTreeSet;

    fn help_of(command: &mut Command, texts: &mut String) {
        texts.push_str(&command.render_long_help().to_string());
        for inner in command.get_subcommands_mut() {
            help_of(inner, texts);
        }
    }

    #[test]
    fn everything_has_a_dutch_text_and_every_dutch_text_is_used() {
        let grammar = dutch(CommandLine::command());
        grammar.clone().debug_assert();
        let mut texts = String::new();
        help_of(&mut grammar.clone(), &mut texts);
        assert!(!texts.contains("[?]"), "{texts}");
        let keys: BTreeSet<&str> = HELP
            .iter()
            .chain(PROVING)
            .chain(POLICIES)
            .map(|(key, _)| *key)
            .collect();
        let texts_in_all = HELP.len() + PROVING.len() + POLICIES.len();
        assert_eq!(keys.len(), texts_in_all, "a key stands twice");
        let flat = texts.split_whitespace().collect::<Vec<_>>().join(" ");
        for (key, text) in HELP.iter().chain(PROVING).chain(POLICIES) {
            assert!(flat.contains(text), "`{key}` is not used");
        }
        for english in ["Usage:", "Commands:", "Options:", "Arguments:", "Example", "Print "] {
            assert!(!flat.contains(english), "`{english}` is left in the Dutch help");
        }
    }
}
