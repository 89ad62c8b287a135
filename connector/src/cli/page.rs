//! docs/commands.md, made from the grammar, so that the two cannot drift apart.

use super::arguments::CommandLine;
use crate::control::error::Code;
use clap::{Arg, Command, CommandFactory};

/// The whole page.
#[must_use]
pub fn page() -> String {
    let mut text = String::from(
        "# Commands\n\n\
         Made from the program's own grammar; `herleid <command> --help` says the same. Commands from `publish` to `status`, `verify`,\n\
         `replay`, `ledger check-timestamp` and `ledger continue` excepted, are carried out by the running `herleid serve`, which they reach through the socket `herleid.sock` in its\n\
         storage directory; so are `doctor` and `backup`, which open the log themselves when no service runs.\n\n\
         With `--json`, standard output holds exactly one JSON object: the result, or `{\"error\": {\"code\", \"message\", \"what\", \"expected\", \"next\"}}`.\n\
         Progress, notes and (without `--json`) errors go to standard error.\n\n\
         ## Exit codes\n\n| exit code | `code` | meaning |\n|---|---|---|\n| 0 | | all is well |\n",
    );
    for code in Code::ALL {
        text.push_str(&format!(
            "| {} | `{}` | {} |\n",
            code.exit_code(),
            code.as_str(),
            meaning(code)
        ));
    }
    let mut grammar = CommandLine::command();
    grammar.build();
    text.push_str("\n## Options of every command\n\n");
    options(&mut text, grammar.get_arguments().filter(|a| a.is_global_set()));
    for command in grammar.get_subcommands().filter(|c| c.get_name() != "help") {
        section(&mut text, command, "##", "herleid");
    }
    text
}

fn section(text: &mut String, command: &Command, heading: &str, before: &str) {
    let name = format!("{before} {}", command.get_name());
    text.push_str(&format!("\n{heading} {name}\n\n"));
    if let Some(about) = command.get_about() {
        text.push_str(&format!("{about}.\n\n"));
    }
    options(
        text,
        command
            .get_arguments()
            .filter(|a| !a.is_global_set() && a.get_id() != "help"),
    );
    let examples = examples(command);
    if !examples.is_empty() {
        text.push_str(&format!("\n```sh\n{}\n```\n", examples.join("\n")));
    }
    for inner in command.get_subcommands().filter(|c| c.get_name() != "help") {
        section(text, inner, &format!("{heading}#"), &name);
    }
}

fn options<'a>(text: &mut String, arguments: impl Iterator<Item = &'a Arg>) {
    for argument in arguments {
        let value = argument.get_value_names().and_then(|names| names.first());
        let takes = argument.get_action().takes_values();
        let shown = match (argument.get_long(), value) {
            (Some(long), Some(value)) if takes => format!("--{long} {value}"),
            (Some(long), _) => format!("--{long}"),
            (None, Some(value)) => value.to_string(),
            (None, None) => argument.get_id().as_str().to_uppercase(),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let defaults: Vec<_> = argument
            .get_default_values()
            .iter()
            .map(|v| v.to_string_lossy().into_owned())
            .collect();
        let default = if defaults.is_empty() || !takes {
            String::new()
        } else {
            format!(" (default `{}`)", defaults.join(" "))
        };
        let required = if argument.is_required_set() { ", required" } else { "" };
        text.push_str(&format!("- `{shown}`{required}: {help}{default}\n"));
    }
}

/// The examples of a command's help, as they stand there: one may go on over several lines, each but its last ending in `\`.
#[must_use]
pub fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut found: Vec<String> = Vec::new();
    for line in help.lines().filter_map(|line| line.strip_prefix("  ")) {
        match found.last_mut().filter(|before| before.ends_with('\\')) {
            Some(before) => before.push_str(&format!("\n{line}")),
            None if line.starts_with("herleid ") => found.push(line.to_owned()),
            None => {}
        }
    }
    found
}

fn meaning(code: Code) -> &'static str {
    match code {
        Code::Failed => "something went wrong, or a verification failed",
        Code::Usage => "the command was not understood",
        Code::Missing => {
            "what was asked for is not there; for `verify`: something that should be in the dossier is missing"
        }
        Code::Untrusted => "nothing that you trust vouches for it",
        Code::Refused => "a policy or the other party said no",
        Code::NotRunning => "no `herleid serve` is running here",
        Code::Unreachable => "the other party is down or too slow",
        Code::Busy => "another process holds what is needed: a port, a storage directory",
        Code::Configuration => "the configuration is missing or wrong",
        Code::Interrupted => "you stopped it",
    }
}
