//! A peer that lies: stands before a real connector and changes what that says. It speaks just enough HTTP/1.1, in plain text.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

/// An HTTP answer: status line and headers, and the body.
#[derive(Debug, Clone)]
pub struct Answer {
    pub head: Vec<String>,
    pub body: Vec<u8>,
    /// The connection breaks after the body, whatever length was promised.
    pub is_cut: bool,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self
            .head
            .iter()
            .find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")))?;
        Some(found.split_once(':')?.1.trim())
    }

    /// Only so many bytes arrive before the connection breaks.
    pub fn cut(&mut self, bytes: usize) {
        self.body.truncate(bytes);
        self.is_cut = true;
    }

    pub fn drop_header(&mut self, name: &str) {
        self.head
            .retain(|line| !line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    }
}

type Change = Box<dyn FnMut(&mut Answer) + Send>;

/// What is done to the answers to requests that start so; everything else passes unchanged.
struct Lie {
    about: &'static str,
    /// With a lock of its own: one that waits keeps nothing else waiting.
    change: Arc<Mutex<Change>>,
    /// What is asked for instead of what.
    instead: Option<(String, String)>,
    /// The next answer to a pull is held up.
    hold: Option<Hold>,
    /// Whoever next asks so finds the connection broken, before there is an answer.
    broken: Option<&'static str>,
}

/// An answer passes as far as `bytes`, and no further until it is let go.
struct Hold {
    bytes: u64,
    reached: Sender<()>,
    let_go: Receiver<()>,
}

/// An answer to a pull that is held up on its way.
pub struct Held {
    reached: Receiver<()>,
    let_go: Sender<()>,
}

impl Held {
    /// Waits until the answer is on its way.
    pub fn reached(&self) {
        let waited = self.reached.recv_timeout(std::time::Duration::from_secs(60));
        waited.expect("a pull that has begun within a minute");
    }

    /// What has been sent meanwhile passes.
    pub fn let_go(self) {
        self.let_go.send(()).expect("a pull that is held up");
    }
}

/// The proxy; it goes with the process.
pub struct LyingProxy {
    lie: Arc<Mutex<Lie>>,
}

impl LyingProxy {
    /// Listens on `port` and forwards to `to`.
    pub fn start(port: u16, to: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let honest = Lie {
            about: "",
            change: Arc::new(Mutex::new(Box::new(|_: &mut Answer| {}))),
            instead: None,
            hold: None,
            broken: None,
        };
        let lie = Arc::new(Mutex::new(honest));
        let told = lie.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let lie = told.clone();
                std::thread::spawn(move || forward(stream, to, &lie));
            }
        });
        Self { lie }
    }

    /// Changes what is answered to a pull.
    pub fn lie(&self, change: impl FnMut(&mut Answer) + Send + 'static) {
        self.lie_about("GET /data/", change);
    }

    /// Changes what is answered to requests whose first line starts with `about`.
    pub fn lie_about(&self, about: &'static str, change: impl FnMut(&mut Answer) + Send + 'static) {
        let change: Change = Box::new(change);
        let mut lie = self.lie.lock().unwrap();
        (lie.about, lie.change) = (about, Arc::new(Mutex::new(change)));
    }

    /// Whoever asks for a path with `this` in it asks for `other`.
    pub fn ask_instead(&self, this: &str, other: &str) {
        self.lie.lock().unwrap().instead = Some((this.to_owned(), other.to_owned()));
    }

    /// The next request whose first line starts with `about` arrives, and its connection breaks before there is an answer.
    pub fn break_off(&self, about: &'static str) {
        self.lie.lock().unwrap().broken = Some(about);
    }

    /// Holds up the next answer to a pull after `bytes` of it. The provider goes on sending until nothing on the way takes more.
    pub fn hold(&self, bytes: u64) -> Held {
        let ((reached, is_reached), (go, let_go)) = (channel(), channel());
        self.lie.lock().unwrap().hold = Some(Hold { bytes, reached, let_go });
        Held {
            reached: is_reached,
            let_go: go,
        }
    }
}

/// One request and its answer; the connection is closed after it.
fn forward(mut from: TcpStream, to: u16, lie: &Mutex<Lie>) {
    let mut reader = BufReader::new(from.try_clone().unwrap());
    let Some(mut request) = message(&mut reader) else {
        return;
    };
    if let Some((this, other)) = &lie.lock().unwrap().instead {
        request.head[0] = request.head[0].replace(this, other);
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", to)) else {
        return;
    };
    write(&mut server, &request);
    let is_broken = {
        let mut lie = lie.lock().unwrap();
        let broken = lie.broken.take_if(|about| request.head[0].starts_with(*about));
        broken.is_some()
    };
    if is_broken {
        from.shutdown(Shutdown::Both).unwrap();
        // Whoever answers is not to notice.
        let _answer = message(&mut BufReader::new(server));
        return;
    }
    let is_pull = request.head[0].starts_with("GET /data/");
    let hold = is_pull.then(|| lie.lock().unwrap().hold.take()).flatten();
    if let Some(hold) = hold {
        // An end that breaks off is what is looked for here.
        let _broken = pass_held(server, from, &hold);
        return;
    }
    let Some(mut answer) = message(&mut BufReader::new(server)) else {
        return;
    };
    let (about, change) = {
        let lie = lie.lock().unwrap();
        (lie.about, lie.change.clone())
    };
    if request.head[0].starts_with(about) {
        (change.lock().unwrap())(&mut answer);
        if answer.header("content-length").is_some() && !answer.is_cut {
            answer.drop_header("content-length");
            answer.head.push(format!("content-length: {}", answer.body.len()));
        }
    }
    write(&mut from, &answer);
}

/// Passes an answer as it comes, with a pause. The answer's own headers say how it ends.
fn pass_held(server: TcpStream, mut from: TcpStream, hold: &Hold) -> std::io::Result<()> {
    let mut server = BufReader::new(server);
    std::io::copy(&mut (&mut server).take(hold.bytes), &mut from)?;
    hold.reached.send(()).expect("a test that waits");
    // A test that is over lets go, too.
    let _over = hold.let_go.recv();
    std::io::copy(&mut server, &mut from)?;
    Ok(())
}

fn message(reader: &mut BufReader<TcpStream>) -> Option<Answer> {
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let mut answer = Answer {
        head,
        body: Vec::new(),
        is_cut: false,
    };
    if answer.header("transfer-encoding").is_some() {
        // The other end closes after its answer.
        reader.read_to_end(&mut answer.body).ok()?;
        return Some(answer);
    }
    let length = answer
        .header("content-length")
        .and_then(|l| l.parse().ok())
        .unwrap_or(0);
    answer.body.resize(length, 0);
    reader.read_exact(&mut answer.body).ok()?;
    Some(answer)
}

fn write(to: &mut TcpStream, message: &Answer) {
    let mut message = message.clone();
    message.drop_header("connection");
    let mut bytes = message.head.join("\r\n").into_bytes();
    bytes.extend(b"\r\nConnection: close\r\n\r\n");
    bytes.extend(&message.body);
    // Whoever has gone away does not get the rest.
    let _gone = to.write_all(&bytes);
}
