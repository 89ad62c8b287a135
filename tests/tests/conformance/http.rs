//! Just enough HTTP/1.1 in plain text, both ends: one request a connection.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a connection may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// Largest body that is read.
const BODY_BYTES: usize = 1 << 20;

/// What was asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) authorization: Option<String>,
    /// Null without a body.
    pub(crate) body: Value,
}

/// What was answered: status and body, null without one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn new(status: u16, body: Value) -> Self {
        Self { status, body }
    }

    /// The body of an answer that says yes.
    #[track_caller]
    pub(crate) fn good(self, what: &str) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{what}: {} {}",
            self.status,
            self.body
        );
        self.body
    }
}

/// Sends `body` to `path` at a port of this machine.
pub(crate) fn post(port: u16, path: &str, authorization: &str, body: &Value) -> std::io::Result<Answer> {
    let body = body.to_string();
    let head = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    send(port, &format!("POST {path} HTTP/1.1"), authorization, &head, &body)
}

/// Reads what is at `path`.
pub(crate) fn get(port: u16, path: &str, authorization: &str) -> std::io::Result<Answer> {
    send(port, &format!("GET {path} HTTP/1.1"), authorization, "", "")
}

fn send(port: u16, line: &str, authorization: &str, head: &str, body: &str) -> std::io::Result<Answer> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, SILENCE)?;
    stream.set_read_timeout(Some(SILENCE))?;
    let text = format!(
        "{line}\r\nHost: localhost:{port}\r\nAuthorization: {authorization}\r\nConnection: close\r\n{head}\r\n{body}"
    );
    stream.write_all(text.as_bytes())?;
    let (first, _, body) = message(&mut BufReader::new(stream))?;
    let status = first.split(' ').nth(1).and_then(|s| s.parse().ok());
    Ok(Answer::new(status.ok_or_else(|| wrong(&first))?, body))
}

fn wrong(what: &str) -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::InvalidData, format!("not understood: {what}"))
}

fn header<'a>(headers: &'a [String], name: &str) -> Option<&'a str> {
    headers.iter().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// First line, headers and body of a request or answer.
fn message(reader: &mut impl std::io::BufRead) -> std::io::Result<(String, Vec<String>, Value)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.take(16 << 10).read_line(&mut line)? == 0 {
            return Err(wrong("the connection ended within the headers"));
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    if lines.is_empty() {
        return Err(wrong("no first line"));
    }
    let first = lines.remove(0);
    let bytes = body(reader, &lines)?;
    let body = if bytes.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&bytes).map_err(|e| wrong(&format!("{e}: {}", String::from_utf8_lossy(&bytes))))?
    };
    Ok((first, lines, body))
}

fn body(reader: &mut impl std::io::BufRead, headers: &[String]) -> std::io::Result<Vec<u8>> {
    if header(headers, "transfer-encoding").is_some_and(|e| e.eq_ignore_ascii_case("chunked")) {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            let length = usize::from_str_radix(line.trim(), 16).map_err(|_| wrong(&line))?;
            if length + body.len() > BODY_BYTES {
                return Err(wrong("a body that is too large"));
            }
            let mut chunk = vec![0; length + 2];
            reader.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..length]);
            if length == 0 {
                return Ok(body);
            }
        }
    }
    let length = header(headers, "content-length").map_or(Ok(0), str::parse);
    let length: usize = length.map_err(|_| wrong("a length that is no number"))?;
    if length > BODY_BYTES {
        return Err(wrong("a body that is too large"));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

/// Answers requests at a port of this machine until it is dropped; the port is free again then.
pub(crate) struct Server {
    port: u16,
    ends: Arc<AtomicBool>,
    listening: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(port: u16, answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let ends = Arc::new(AtomicBool::new(false));
        let (ended, answer) = (ends.clone(), Arc::new(answer));
        let listening = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let answer = answer.clone();
                // Whoever goes away in the middle gets no answer, and nobody else waits for that.
                std::thread::spawn(move || serve(&stream, &*answer).unwrap_or_default());
            }
        });
        Self {
            port,
            ends,
            listening: Some(listening),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
        // The listener looks up when somebody calls.
        let _called = TcpStream::connect(("127.0.0.1", self.port));
        if let Some(listening) = self.listening.take() {
            let _ended = listening.join();
        }
    }
}

fn serve(stream: &TcpStream, answer: &dyn Fn(&Request) -> Answer) -> std::io::Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let answer = match message(&mut BufReader::new(stream)) {
        Ok((first, headers, body)) => {
            let mut words = first.split(' ').map(str::to_owned);
            let mut word = || words.next().unwrap_or_default();
            answer(&Request {
                method: word(),
                path: word(),
                authorization: header(&headers, "authorization").map(str::to_owned),
                body,
            })
        }
        Err(why) => Answer::new(400, Value::String(why.to_string())),
    };
    let body = if answer.body.is_null() {
        String::new()
    } else {
        answer.body.to_string()
    };
    let mut stream = stream;
    write!(
        stream,
        "HTTP/1.1 {} .\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        answer.status,
        body.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use herleid_tests::machine::free_port;
    use serde_json::json;

    #[test]
    fn what_is_sent_arrives_and_the_port_is_free_afterwards() {
        let port = free_port();
        for _ in 0..2 {
            let server = Server::start(port, |request| Answer::new(201, json!([request.path, request.body])));
            let told = post(port, "/a", "Bearer x", &json!({"b": 1})).unwrap();
            assert_eq!(told, Answer::new(201, json!(["/a", {"b": 1}])));
            assert_eq!(get(port, "/c", "").unwrap().body, json!(["/c", null]));
            drop(server);
            assert!(get(port, "/c", "").is_err());
        }
    }

    #[test]
    fn bodies_in_pieces_are_put_together_and_endless_ones_are_refused() {
        let read = |text: &str| message(&mut text.as_bytes());
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n{\"a\r\n4\r\n\":1}\r\n0\r\n\r\n";
        assert_eq!(read(chunked).unwrap().2, json!({"a": 1}));
        for bad in [
            "",
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{x",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
