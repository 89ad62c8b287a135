//! What was typed and not understood, in the reader's language and in the one form of errors.

use super::text::{Language, text};
use crate::control::error::{Code, ControlError};
use clap::Command;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error;

/// The usage error for what clap found; `typed` are the arguments after the program's name.
pub(super) fn usage_error(
    error: &clap::Error,
    grammar: &Command,
    typed: &[String],
    language: Language,
) -> ControlError {
    let say = |key: &str, values: &[(&str, &str)]| ControlError::new(Code::Usage, text(language, key, values));
    let argument = listed(error.get(ContextKind::InvalidArg));
    let said = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            let name = listed(error.get(ContextKind::InvalidSubcommand));
            suggested(
                say("cli-usage-command", &[("name", &name)]),
                error,
                ContextKind::SuggestedSubcommand,
                language,
            )
        }
        ErrorKind::UnknownArgument => {
            let said = say("cli-usage-unknown", &[("argument", &argument)]);
            suggested(said, error, ContextKind::SuggestedArg, language)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let value = listed(error.get(ContextKind::InvalidValue));
            let mut said = if value.is_empty() {
                say("cli-usage-no-value", &[("argument", &argument)])
            } else {
                say("cli-usage-value", &[("argument", &argument), ("value", &value)])
            };
            if let Some(why) = error.source() {
                said = said.what(why.to_string());
            }
            match error.get(ContextKind::ValidValue) {
                Some(valid) => said.expected(listed(Some(valid))),
                None => said,
            }
        }
        ErrorKind::ArgumentConflict => {
            let other = listed(error.get(ContextKind::PriorArg));
            say("cli-usage-conflict", &[("argument", &argument), ("other", &other)])
        }
        ErrorKind::MissingRequiredArgument => say("cli-usage-missing", &[("argument", &argument)]),
        ErrorKind::MissingSubcommand => say("cli-usage-no-command", &[]),
        _ => {
            let rendered = error.render().to_string();
            let first = rendered.lines().next().unwrap_or_default();
            ControlError::new(Code::Usage, first.strip_prefix("error: ").unwrap_or(first))
        }
    };
    let help = format!("{} --help", command_typed(grammar, typed));
    said.next(text(language, "cli-usage-next", &[("help", &help)]))
}

fn suggested(said: ControlError, error: &clap::Error, kind: ContextKind, language: Language) -> ControlError {
    match error.get(kind) {
        Some(found) => said.expected(text(language, "cli-usage-meant", &[("names", &listed(Some(found)))])),
        None => said,
    }
}

fn listed(value: Option<&ContextValue>) -> String {
    match value {
        Some(ContextValue::Strings(several)) => several.join(", "),
        Some(other) => other.to_string(),
        None => String::new(),
    }
}

/// `herleid credential issue`, as far as what was typed names commands.
fn command_typed(grammar: &Command, typed: &[String]) -> String {
    let (mut path, mut at) = ("herleid".to_owned(), grammar);
    for word in typed {
        if let Some(inner) = at.find_subcommand(word) {
            path.push_str(&format!(" {}", inner.get_name()));
            at = inner;
        }
    }
    path
}
