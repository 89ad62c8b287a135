//! A person's token: typed at a terminal, where it is not shown, or piped in by what keeps it for them. Never an argument or a file of ours:
//! what the service's own account can read is nobody's alone.

use super::actions::Context;
use super::text::text;
use crate::control::error::{Code, ControlError};
use crate::control::protocol::PersonToken;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::{self, BufRead, BufReader, IsTerminal as _, Stdin};

/// Bytes of a token: many times the 44 of the one that the documentation makes.
const LONGEST: u64 = 1_024;

/// Asks for it.
///
/// # Errors
/// When there is none, or the terminal cannot be told to hide it.
pub(super) fn ask(context: &Context) -> Result<PersonToken, ControlError> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return read(stdin.lock());
    }
    let hidden = Hidden::from(stdin)?;
    context.screen.ask(&text(context.language, "cli-token", &[]));
    let token = read(hidden.stdin.lock());
    drop(hidden);
    // The line feed that was typed was not shown either.
    context.screen.ask("\n");
    token
}

/// The first line.
fn read(from: impl BufRead) -> Result<PersonToken, ControlError> {
    let mut line = String::new();
    let read = BufReader::new(from.take(LONGEST + 1)).read_line(&mut line);
    let wrong = |what: &str| {
        ControlError::new(Code::Usage, format!("no token can be read from standard input: {what}"))
            .expected("your own token in one line: type it where it is asked for, or pipe it in (docs/erasure.md)")
    };
    match read {
        Err(error) => Err(wrong(&error.to_string())),
        Ok(bytes) if bytes as u64 > LONGEST => Err(wrong("it is too long")),
        Ok(_) if line.trim().is_empty() => Err(wrong("there is none")),
        Ok(_) => Ok(PersonToken(line.trim().to_owned())),
    }
}

/// A terminal that does not show what is typed, until this is dropped.
struct Hidden {
    stdin: Stdin,
    before: Termios,
}

impl Hidden {
    fn from(stdin: Stdin) -> Result<Self, ControlError> {
        let hide = || -> rustix::io::Result<Termios> {
            let before = tcgetattr(&stdin)?;
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            tcsetattr(&stdin, OptionalActions::Flush, &hidden)?;
            Ok(before)
        };
        let before = hide();
        let before = before.map_err(|error| {
            ControlError::new(
                Code::Failed,
                format!("the terminal cannot be told to hide the token: {error}"),
            )
            .expected("a terminal, or a pipe with the token")
        })?;
        Ok(Self { stdin, before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // If this fails, so does everything else with that terminal.
        let _ = tcsetattr(&self.stdin, OptionalActions::Now, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_token_and_nothing_else_is() {
        assert_eq!(read(&b"secret \nsecond\n"[..]).unwrap().0, "secret");
        assert_eq!(read(&b"secret"[..]).unwrap().0, "secret");
        let long = vec![b'a'; 1_025];
        for (bytes, expected) in [
            (&b""[..], "there is none"),
            (b"\n", "there is none"),
            (&long, "too long"),
            (&[0xff, b'\n'], "UTF-8"),
        ] {
            let error = read(bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
