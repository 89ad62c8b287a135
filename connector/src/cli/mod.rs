//! The command line: what is typed, who does it, and what is shown.
//!
//! [`run`] parses the arguments, lets [`Actions`] or the running service do the work, and shows the outcome. Exit codes are
//! those of [`Code::exit_code`]; docs/commands.md lists them with every command, and a test holds it to the grammar.

pub mod actions;
pub mod arguments;
mod ask;
mod dutch;
pub mod page;
pub mod policies;
mod requests;
pub mod screen;
pub mod show;
pub mod text;
mod token;
mod usage;

#[cfg(test)]
mod tests;

pub use actions::{Actions, Context, Outcome, Unplugged};
pub use screen::{Manner, Screen};

use crate::control::error::{Code, ControlError};
use crate::messages::Messages;
use arguments::{Chosen, CommandLine, LedgerAction, LedgerArguments};
use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use text::Language;

/// Runs the command in `arguments` (the first is the program's name) on the process's own outputs.
pub fn run(actions: &dyn Actions, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let terminal = std::io::stderr().is_terminal();
    ExitCode::from(run_on(
        actions,
        arguments,
        terminal,
        Box::new(std::io::stdout()),
        Box::new(std::io::stderr()),
    ))
}

/// As [`run`], on other outputs; gives the exit code as a number.
pub fn run_on(
    actions: &dyn Actions,
    arguments: impl IntoIterator<Item = OsString>,
    terminal: bool,
    mut out: Box<dyn Write + Send>,
    mut err: Box<dyn Write + Send>,
) -> u8 {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let typed = Typed::of(&arguments);
    let mut manner = Manner {
        json: typed.has("--json"),
        quiet: false,
        terminal,
        language: typed.language(),
    };
    let grammar = match manner.language {
        Language::English => CommandLine::command(),
        Language::Dutch => dutch::dutch(CommandLine::command()),
    };
    let parsed = grammar
        .clone()
        .try_get_matches_from(arguments)
        .and_then(|m| CommandLine::from_arg_matches(&m));
    let line = match parsed {
        Ok(line) => line,
        Err(error) if is_help(&error) => return help(&error, &mut out, &mut err),
        Err(error) => {
            let screen = Screen::new(manner, out, err);
            return finish(
                &screen,
                Err(usage::usage_error(&error, &grammar, &typed.0, manner.language)),
            );
        }
    };
    let language = line.global.lang.unwrap_or(manner.language);
    manner.language = language;
    manner.quiet = line.global.quiet;
    manner.json = line.global.json;
    let context = Context {
        config: line.global.config,
        development: line.global.development,
        language,
        screen: Screen::new(manner, out, err),
    };
    finish(&context.screen, act(actions, &context, &line.chosen))
}

/// Shows the outcome; gives the exit code.
fn finish(screen: &Screen, outcome: Result<Outcome, ControlError>) -> u8 {
    let shown = outcome.and_then(|outcome| match screen.result(&outcome.text, &outcome.json) {
        Ok(()) => Ok(outcome.verdict),
        // The work is done; that its result was not seen is still a failure for whoever asked.
        Err(e) => Err(ControlError::new(Code::Failed, "the result cannot be written").what(e.to_string())),
    });
    match shown {
        Ok(verdict) => verdict.map_or(0, Code::exit_code),
        Err(error) => {
            screen.error(&error);
            error.code.exit_code()
        }
    }
}

fn act(actions: &dyn Actions, context: &Context, chosen: &Chosen) -> Result<Outcome, ControlError> {
    if let Some(asked) = ask::ask(actions, context, chosen) {
        return asked;
    }
    match chosen {
        Chosen::Init(a) => actions.init(context, a),
        Chosen::Serve(a) => actions.serve(context, a),
        Chosen::Anchors(a) => actions.merge_anchors(context, a),
        Chosen::Verify(a) => actions.verify(context, a),
        Chosen::Ledger(LedgerArguments {
            action: LedgerAction::CheckTimestamp(a),
        }) => actions.check_timestamp(context, a),
        Chosen::Ledger(LedgerArguments {
            action: LedgerAction::Continue(a),
        }) => actions.continue_log(context, a),
        Chosen::Policy(a) => actions.policy(context, &a.action),
        Chosen::Replay(a) => actions.replay(context, a),
        Chosen::Restore(a) => actions.restore(context, a),
        Chosen::Demo(a) => actions.demo(context, a),
        Chosen::Completions(a) => Ok(completions(a.shell)),
        other => Err(ControlError::new(
            Code::Failed,
            format!("nobody answers this command: {other:?}"),
        )),
    }
}

fn completions(shell: clap_complete::Shell) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "herleid", &mut script);
    let text = String::from_utf8_lossy(&script).into_owned();
    Outcome {
        json: serde_json::json!({ "shell": shell.to_string(), "script": text }),
        text,
        verdict: None,
    }
}

fn is_help(error: &clap::Error) -> bool {
    use ErrorKind::{DisplayHelp, DisplayHelpOnMissingArgumentOrSubcommand, DisplayVersion};
    matches!(
        error.kind(),
        DisplayHelp | DisplayVersion | DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// Help that was asked for is an answer; help because nothing was asked is a usage error.
fn help<'w>(error: &clap::Error, out: &'w mut dyn Write, err: &'w mut dyn Write) -> u8 {
    let asked = error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
    let output = if asked { out } else { err };
    // A reader who has gone (`| head`) needs nothing more; the exit code says the rest.
    drop(write!(output, "{}", error.render()));
    drop(output.flush());
    if asked { 0 } else { Code::Usage.exit_code() }
}

/// The arguments after the program's name, as far as they are text: looked at before the grammar is chosen, because the
/// language of its help and of its errors stands among them.
struct Typed(Vec<String>);

impl Typed {
    fn of(arguments: &[OsString]) -> Self {
        Self(
            arguments
                .iter()
                .skip(1)
                .map(|a| a.to_string_lossy().into_owned())
                .collect(),
        )
    }

    fn has(&self, option: &str) -> bool {
        self.0.iter().take_while(|a| *a != "--").any(|a| a == option)
    }

    fn language(&self) -> Language {
        let mut words = self.0.iter();
        let mut flag = None;
        while let Some(word) = words.next() {
            match word.strip_prefix("--lang") {
                Some("") => flag = words.next().cloned(),
                Some(value) => flag = value.strip_prefix('=').map(str::to_owned).or(flag),
                None => {}
            }
        }
        Messages::for_user(flag.as_deref()).language()
    }
}
