//! The command line's end of the control socket.

use super::error::{Code, ControlError};
use super::protocol::{Command, Line};
use bytes::{Bytes, BytesMut};
use http::{Request, header};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;
use tokio::net::UnixStream;

/// Longest line that is read: a trace or catalogue of some ten thousand entries.
const LONGEST_LINE: usize = 16 << 20;

/// Runs a typed command; `on_line` sees each progress and note as it comes.
///
/// # Errors
/// What the service answers, or [`Code::NotRunning`], or an answer that breaks off.
pub async fn command<C: Command>(
    socket: &Path,
    request: &C,
    on_line: impl FnMut(&Line) + Send,
) -> Result<C::Answer, ControlError> {
    let body = serde_json::to_value(request)
        .map_err(|e| ControlError::new(Code::Failed, format!("the request `{}` has no JSON form: {e}", C::NAME)))?;
    let result = call(socket, C::NAME, &body, on_line).await?;
    serde_json::from_value(result).map_err(|e| not_understood(&e.to_string()))
}

/// Runs a command by its name and gives its `result` as it came.
///
/// # Errors
/// As [`command`].
pub async fn call(
    socket: &Path,
    command: &str,
    body: &Value,
    mut on_line: impl FnMut(&Line) + Send,
) -> Result<Value, ControlError> {
    let stream = UnixStream::connect(socket)
        .await
        .map_err(|e| unreachable_service(socket, &e))?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|e| broken(&e))?;
    let driver = tokio::spawn(connection);
    let request = Request::post(format!("/v1/{command}"))
        .header(header::HOST, "herleid")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Full::new(Bytes::from(body.to_string())))
        .map_err(|e| ControlError::new(Code::Usage, "the command cannot be sent").what(e.to_string()))?;
    let answered = match sender.send_request(request).await {
        Ok(response) => lines(response.into_body(), &mut on_line).await,
        Err(e) => Err(broken(&e)),
    };
    driver.abort();
    answered
}

/// Reads lines up to the one that ends the answer.
async fn lines(mut body: Incoming, on_line: &mut (impl FnMut(&Line) + Send)) -> Result<Value, ControlError> {
    let mut waiting = BytesMut::new();
    // How much of `waiting` is known to hold no line feed, so that a long line is looked through once.
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| broken(&e))?;
        let Ok(part) = frame.into_data() else { continue };
        waiting.extend_from_slice(&part);
        while let Some(end) = waiting.iter().skip(seen).position(|b| *b == b'\n') {
            let line = waiting.split_to(seen + end + 1);
            seen = 0;
            match parse(&line)? {
                Line::Result(value) => return Ok(value),
                Line::Error(error) => return Err(error),
                line => on_line(&line),
            }
        }
        seen = waiting.len();
        if seen > LONGEST_LINE {
            return Err(not_understood("a line of the answer is longer than 16 MiB"));
        }
    }
    Err(broken(&"it ended without a result"))
}

fn parse(line: &[u8]) -> Result<Line, ControlError> {
    let limits = herleid_vocab::json::Limits {
        max_bytes: LONGEST_LINE,
        // A trace is as deep as the chain of models that it shows, two levels a step.
        max_depth: 120,
    };
    let value = herleid_vocab::json::parse(line, &limits).map_err(|e| not_understood(&e.to_string()))?;
    serde_json::from_value(value).map_err(|e| not_understood(&e.to_string()))
}

fn unreachable_service(socket: &Path, error: &std::io::Error) -> ControlError {
    let shown = format!("`{}`", socket.display());
    let said = match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            ControlError::new(Code::NotRunning, "no herleid service is running here")
                .note("cli-not-running", BTreeMap::new())
                .next("start it with `herleid serve`, or name its configuration with `--config`")
        }
        ErrorKind::PermissionDenied => {
            ControlError::new(Code::NotRunning, "the herleid service here belongs to another user")
                .note("cli-not-yours", BTreeMap::new())
                .next("run the command as the user that runs `herleid serve`")
        }
        _ => ControlError::new(Code::NotRunning, "the herleid service cannot be reached")
            .note("cli-not-reached", BTreeMap::new())
            .next("see whether `herleid serve` still runs"),
    };
    said.what(format!("{shown}: {error}"))
}

fn broken(error: &dyn std::fmt::Display) -> ControlError {
    ControlError::new(Code::Failed, "the service's answer broke off")
        .note("cli-answer-broken", BTreeMap::new())
        .what(error.to_string())
        .next("see whether `herleid serve` still runs; `herleid status` shows what was recorded")
}

fn not_understood(why: &str) -> ControlError {
    ControlError::new(Code::Failed, "the service's answer is not understood")
        .note("cli-answer-unknown", BTreeMap::new())
        .what(why)
        .next("use the same version of herleid for the command line and the service")
}
