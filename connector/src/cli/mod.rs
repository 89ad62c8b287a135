//! The command line: what is typed, who does it, and what is shown.
//!
//! [`run`] parses the arguments, lets [`Actions`] or the running service do the work, and shows the outcome. Exit codes are
//! those of [`Code::exit_code`]; docs/commands.md lists them with every command, and a test holds it to the grammar.

pub mod actions;
pub mod arguments;
mod ask;
pub mod page;
pub mod screen;
pub mod show;
pub mod text;

#[cfg(test)]
mod tests;

pub use actions::{Actions, Context, Outcome, Unplugged};
pub use screen::{Manner, Screen};

use crate::control::error::{Code, ControlError};
use arguments::{Chosen, CommandLine, Lang};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
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
    let line = match CommandLine::try_parse_from(arguments) {
        Ok(line) => line,
        Err(error) => return not_parsed(&error, &mut out, &mut err),
    };
    let language = language(line.global.lang);
    let manner = Manner {
        json: line.global.json,
        quiet: line.global.quiet,
        terminal,
        language,
    };
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
        Chosen::Verify(a) => actions.verify(context, a),
        Chosen::Replay(a) => actions.replay(context, a),
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

/// Help and version are answers; everything else that does not parse is a usage error.
fn not_parsed<'w>(error: &clap::Error, out: &'w mut dyn Write, err: &'w mut dyn Write) -> u8 {
    let answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let output = if answer { out } else { err };
    // A reader who has gone (`| head`) needs nothing more; the exit code says the rest.
    drop(write!(output, "{}", error.render()));
    drop(output.flush());
    if answer { 0 } else { Code::Usage.exit_code() }
}

fn language(flag: Option<Lang>) -> Language {
    match flag {
        Some(Lang::En) => Language::English,
        Some(Lang::Nl) => Language::Dutch,
        None => {
            let wanted = std::env::var("HERLEID_LANG")
                .ok()
                .into_iter()
                .chain(sys_locale::get_locales());
            let dutch = wanted.map(|locale| locale.to_ascii_lowercase()).find_map(|locale| {
                let primary = locale.split(['_', '-', '.', '@']).next().unwrap_or_default().to_owned();
                match primary.as_str() {
                    "nl" => Some(true),
                    "en" => Some(false),
                    _ => None,
                }
            });
            if dutch == Some(true) {
                Language::Dutch
            } else {
                Language::English
            }
        }
    }
}
