mod grammar;
mod running;

use super::actions::Actions;
use super::run_on;
use serde_json::Value;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

/// An output that a test reads afterwards.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Kept {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What one command did.
struct Ran {
    code: u8,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        assert_eq!(self.out.lines().count(), 1, "exactly one JSON object: {}", self.out);
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Runs `herleid --lang en <arguments>` without a terminal.
fn herleid(actions: &dyn Actions, arguments: &[&str]) -> Ran {
    herleid_in("en", actions, arguments)
}

fn herleid_in(language: &str, actions: &dyn Actions, arguments: &[&str]) -> Ran {
    let (out, err) = (Kept::default(), Kept::default());
    let line = ["herleid", "--lang", language]
        .into_iter()
        .chain(arguments.iter().copied());
    let code = run_on(
        actions,
        line.map(Into::into),
        false,
        Box::new(out.clone()),
        Box::new(err.clone()),
    );
    Ran {
        code,
        out: out.text(),
        err: err.text(),
    }
}
