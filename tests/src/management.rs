//! A caller of the management API, on nothing but a socket: what is sent and answered is seen as it is. Every whole answer has to be one
//! that the API's own document describes.

use crate::described;
use crate::process::text;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// Longer than anything here takes; a test that hangs says so.
const PATIENCE: Duration = Duration::from_secs(90);

pub struct Api {
    port: u16,
    token: String,
    /// What the API says of itself, once somebody wanted to know.
    document: OnceLock<Value>,
}

/// What was answered.
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    /// The body of an answer with this status.
    pub fn good(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        serde_json::from_str(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.body))
    }

    /// The problem of an answer with this status: one that says what to do.
    pub fn problem(self, status: u16) -> Value {
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{}",
            self.head
        );
        let problem = self.good(status);
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(
                problem[member].as_str().is_some_and(|text| !text.is_empty()),
                "{problem}"
            );
        }
        problem
    }
}

impl Api {
    pub fn new(port: u16, token: &str) -> Self {
        Self {
            port,
            token: token.to_owned(),
            document: OnceLock::new(),
        }
    }

    /// The same API, asked with another token.
    pub fn with(&self, token: &str) -> Self {
        Self::new(self.port, token)
    }

    fn connect(&self, request: &str) -> std::io::Result<TcpStream> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(request.as_bytes())?;
        Ok(stream)
    }

    /// Sends a request with these lines in its head.
    pub fn send(&self, method: &str, path: &str, lines: &str, body: &str) -> Reply {
        let reply = self
            .try_send(method, path, lines, body)
            .unwrap_or_else(|e| panic!("{method} {path}: {e}"));
        described::check(self.document(), method, path, &reply)
            .unwrap_or_else(|wrong| panic!("{method} {path} is not answered as it is described: {wrong}"));
        reply
    }

    /// The OpenAPI document, which is shown to everybody.
    fn document(&self) -> &Value {
        self.document.get_or_init(|| {
            let reply = self
                .try_send("GET", "/openapi.json", "", "")
                .unwrap_or_else(|e| panic!("openapi.json: {e}"));
            reply.good(200)
        })
    }

    /// The same to a connector that may end in the middle of it.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn try_send(&self, method: &str, path: &str, lines: &str, body: &str) -> std::io::Result<Reply> {
        let length = body.len();
        let request = format!(
            "{method} /management/v1{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Length: {length}\r\n{lines}\r\n{body}"
        );
        let mut answer = Vec::new();
        self.connect(&request)?.read_to_end(&mut answer)?;
        let answer = text(&answer);
        let cut = || std::io::Error::new(std::io::ErrorKind::UnexpectedEof, format!("no whole answer: {answer}"));
        let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(cut)?;
        let head = head.to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if length.is_some_and(|length| length.trim() != body.len().to_string()) {
            return Err(cut());
        }
        Ok(Reply {
            status: head.split(' ').nth(1).and_then(|s| s.parse().ok()).ok_or_else(cut)?,
            head,
            body: body.to_owned(),
        })
    }

    fn authorization(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token)
    }

    /// A GET of a connector that may end in the middle of it.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn try_get(&self, path: &str) -> std::io::Result<Reply> {
        self.try_send("GET", path, &self.authorization(), "")
    }

    /// A POST to a connector that may end in the middle of it.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn try_post(&self, path: &str, body: &Value) -> std::io::Result<Reply> {
        let lines = format!("{}Content-Type: application/json\r\n", self.authorization());
        self.try_send("POST", path, &lines, &body.to_string())
    }

    pub fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &self.authorization(), "")
    }

    pub fn delete(&self, path: &str) -> Reply {
        self.send("DELETE", path, &self.authorization(), "")
    }

    pub fn post(&self, path: &str, body: &Value) -> Reply {
        self.post_text(path, &body.to_string())
    }

    pub fn post_text(&self, path: &str, body: &str) -> Reply {
        let lines = format!("{}Content-Type: application/json\r\n", self.authorization());
        self.send("POST", path, &lines, body)
    }

    /// Listens to what happens after a place.
    pub fn listen(&self, after: &str) -> Told {
        let request = format!(
            "GET /management/v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\nLast-Event-ID: {after}\r\n{}\r\n",
            self.authorization()
        );
        let mut lines = BufReader::new(self.connect(&request).unwrap());
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(lines.read_line(&mut head).unwrap(), 0, "{head}");
        }
        let head = head.to_lowercase();
        assert!(
            head.starts_with("http/1.1 200") && head.contains("content-type: text/event-stream"),
            "{head}"
        );
        Told {
            lines,
            place: after.to_owned(),
        }
    }
}

/// What is told to somebody who listens.
pub struct Told {
    lines: BufReader<TcpStream>,
    /// The `id` of the last event.
    pub place: String,
}

impl Told {
    /// The next event.
    pub fn next_event(&mut self) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            // A stream without events is kept alive by comments, so that its silence alone says nothing.
            assert!(Instant::now() < until, "nothing is told for {PATIENCE:?}");
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "nothing more is told");
            // Lines of the transfer coding stand between; every event is one chunk, so its lines are whole.
            if let Some(place) = line.strip_prefix("id: ") {
                self.place = place.trim().to_owned();
            } else if let Some(data) = line.strip_prefix("data: ") {
                return serde_json::from_str(data).unwrap();
            }
        }
    }

    /// The next event that is looked for.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let event = self.next_event();
            if wanted(&event) {
                return event;
            }
        }
    }
}
