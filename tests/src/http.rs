//! Just enough HTTP/1.1 in plain text, both ends, with connections that are kept.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Error, ErrorKind, Read as _, Result, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// How long a connection may say nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// Largest body that is read.
const BODY_BYTES: u64 = 64 << 20;

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
    /// From the request's first byte to that of the answer's body.
    pub first_byte: Duration,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body of an answer that says yes; null without one.
    #[track_caller]
    pub fn good(&self, what: &str) -> Value {
        assert!(
            (200..300).contains(&self.status),
            "{what}: {} {}",
            self.status,
            self.text()
        );
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{what}: {e}: {}", self.text()))
    }
}

/// Who calls one port of this machine, with the same headers each time, over as many connections as there are calls at once.
pub struct Caller {
    port: u16,
    headers: String,
    kept: Mutex<Vec<BufReader<TcpStream>>>,
}

impl Caller {
    pub fn new(port: u16, headers: &[(&str, &str)]) -> Self {
        let headers = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n"));
        Self {
            port,
            headers: headers.collect(),
            kept: Mutex::default(),
        }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
            .unwrap_or_else(|e| panic!("GET {path}: {e}"))
    }

    pub fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body))
            .unwrap_or_else(|e| panic!("POST {path}: {e}"))
    }

    /// One request, over the connection of an earlier one if that is still there.
    fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Answer> {
        let kept = self.kept.lock().unwrap().pop();
        let reused = kept.is_some();
        match self.over(kept, method, path, body) {
            // The other end may have closed it between two requests.
            Err(_) if reused => self.over(None, method, path, body),
            other => other,
        }
    }

    fn over(
        &self,
        kept: Option<BufReader<TcpStream>>,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer> {
        let mut stream = kept.map_or_else(|| connect(self.port), Ok)?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost:{}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.port,
            self.headers,
            body.len()
        );
        let began = Instant::now();
        stream.get_mut().write_all(format!("{head}{body}").as_bytes())?;
        let (first, headers) = head_of(&mut stream)?;
        let status = first.split(' ').nth(1).and_then(|s| s.parse().ok());
        let status = status.ok_or_else(|| wrong(&first))?;
        let (body, first_byte) = match status {
            204 | 304 => (Vec::new(), began.elapsed()),
            _ => body_of(&mut stream, &headers, began)?,
        };
        if !header(&headers, "connection").is_some_and(|c| c.eq_ignore_ascii_case("close")) {
            self.kept.lock().unwrap().push(stream);
        }
        Ok(Answer {
            status,
            body,
            first_byte,
        })
    }
}

fn connect(port: u16) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), SILENCE)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

fn wrong(what: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("not understood: `{what}`"))
}

fn header<'a>(headers: &'a [String], name: &str) -> Option<&'a str> {
    headers.iter().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        found.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn head_of(reader: &mut impl std::io::BufRead) -> Result<(String, Vec<String>)> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if reader.take(16 << 10).read_line(&mut line)? == 0 {
            return Err(wrong("the connection ended within the headers"));
        }
        match line.trim_end() {
            "" if lines.is_empty() => return Err(wrong("no first line")),
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let first = lines.remove(0);
    Ok((first, lines))
}

fn body_of(reader: &mut impl std::io::BufRead, headers: &[String], began: Instant) -> Result<(Vec<u8>, Duration)> {
    let mut body = Vec::new();
    let too_large = || wrong("a body that is too large");
    if header(headers, "transfer-encoding").is_some_and(|e| e.eq_ignore_ascii_case("chunked")) {
        let mut first_byte = None;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line)?;
            first_byte.get_or_insert_with(|| began.elapsed());
            let length = u64::from_str_radix(line.trim(), 16).map_err(|_| wrong(&line))?;
            if length > BODY_BYTES - body.len() as u64 {
                return Err(too_large());
            }
            reader.take(length).read_to_end(&mut body)?;
            reader.read_line(&mut line)?;
            if length == 0 {
                return Ok((body, first_byte.unwrap_or_default()));
            }
        }
    }
    let length: u64 = header(headers, "content-length")
        .map_or(Ok(0), str::parse)
        .map_err(|_| wrong("a length"))?;
    if length > BODY_BYTES {
        return Err(too_large());
    }
    if length > 0 {
        reader.fill_buf()?;
    }
    let first_byte = began.elapsed();
    if reader.take(length).read_to_end(&mut body)? as u64 != length {
        return Err(wrong("a body that breaks off"));
    }
    Ok((body, first_byte))
}

/// Gives everybody who asks at a port of this machine the same bytes, for as long as this program runs.
pub fn source(contents: &'static [u8]) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || give(&stream, contents));
        }
    });
    port
}

fn give(stream: &TcpStream, contents: &[u8]) -> Result<()> {
    stream.set_read_timeout(Some(SILENCE))?;
    let mut reader = BufReader::new(stream);
    while head_of(&mut reader).is_ok() {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: {}\r\n\r\n",
            contents.len()
        );
        let mut stream = stream;
        stream.write_all(&[head.as_bytes(), contents].concat())?;
    }
    Ok(())
}

#[test]
fn what_a_source_gives_arrives_over_one_connection_and_answers_that_make_no_sense_are_refused() {
    let caller = Caller::new(source(b"rain"), &[("Authorization", "x")]);
    for _ in 0..2 {
        assert_eq!(caller.get("/").body, b"rain");
    }
    assert_eq!(caller.kept.lock().unwrap().len(), 1);
    let read = |text: &str| {
        let mut reader = text.as_bytes();
        let (_, headers) = head_of(&mut reader)?;
        body_of(&mut reader, &headers, Instant::now())
    };
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n";
    assert_eq!(read(chunked).unwrap().0, b"abcd");
    for bad in [
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
