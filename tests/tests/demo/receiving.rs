//! A receiver of pushes: HTTP over a real connection, which takes them, refuses them, breaks off or says nothing, as it is told to.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// What it does with a request.
#[derive(Clone, Copy)]
pub(crate) enum Act {
    /// Takes all, and answers with this status.
    Take(u16),
    /// Answers with this status before it has read anything.
    Refuse(u16),
    /// Takes all, and says nothing until the other end goes.
    Silence,
    /// Takes so many bytes, and closes the connection.
    Break(usize),
    /// Takes so many bytes, says so, and no more until it is told to go on; then to the end of the connection, without an answer.
    Stop(usize),
}

/// What came in one request.
pub(crate) struct Came {
    /// Request line and headers, as they came.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether all came that was announced.
    pub(crate) whole: bool,
}

impl Came {
    /// The value of a header, named in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            (found.to_lowercase() == name).then_some(value)
        })
    }
}

pub(crate) struct Endpoint {
    /// What its addresses begin with.
    pub(crate) base: String,
    came: Receiver<Came>,
    stopped: Receiver<()>,
    go: Sender<()>,
}

impl Endpoint {
    /// Does so with the first requests, and takes all others.
    pub(crate) fn start(acts: &[Act]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base = format!("http://127.0.0.1:{}", listener.local_addr().unwrap().port());
        let (tell, came) = channel();
        let (stop, stopped) = channel();
        let (go, goes) = channel();
        let acts = acts.to_vec();
        thread::spawn(move || {
            let mut acts = acts.into_iter();
            for stream in listener.incoming() {
                let act = acts.next().unwrap_or(Act::Take(201));
                serve(stream.unwrap(), act, &tell, &stop, &goes);
            }
        });
        Self {
            base,
            came,
            stopped,
            go,
        }
    }

    /// The next request that is over.
    pub(crate) fn next(&self) -> Came {
        self.came.recv_timeout(Duration::from_secs(60)).expect("nothing came")
    }

    /// Waits until it reads no more of a request.
    pub(crate) fn stopped(&self) {
        self.stopped
            .recv_timeout(Duration::from_secs(60))
            .expect("nothing came")
    }

    /// Reads on.
    pub(crate) fn go_on(&self) {
        self.go.send(()).unwrap();
    }

    /// Nothing else has come by now. It says nothing of what comes later: whoever looks for an attempt that must not be made waits for
    /// something that comes after it would have come.
    pub(crate) fn is_quiet(&self) -> bool {
        self.came.try_recv().is_err()
    }
}

fn serve(stream: TcpStream, act: Act, tell: &Sender<Came>, stop: &Sender<()>, go: &Receiver<()>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let mut came = Came {
        head,
        body: Vec::new(),
        whole: false,
    };
    // What is not known beforehand comes in chunks, which nobody here reads to their end.
    let length: usize = came
        .header("content-length")
        .map_or(usize::MAX, |length| length.parse().unwrap());
    let take = |reader: &mut BufReader<TcpStream>, most: usize, body: &mut Vec<u8>| {
        let mut piece = vec![0; 1 << 16];
        while body.len() < most {
            let want = piece.len().min(most - body.len());
            match reader.read(&mut piece[..want]) {
                Ok(n) if n > 0 => body.extend_from_slice(&piece[..n]),
                _ => return,
            }
        }
    };
    let answer = |reader: &mut BufReader<TcpStream>, status: u16| {
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: 6\r\nConnection: close\r\n\r\nhidden");
        drop(reader.get_mut().write_all(answer.as_bytes()));
    };
    match act {
        Act::Take(status) => {
            take(&mut reader, length, &mut came.body);
            came.whole = came.body.len() == length;
            if came.whole {
                answer(&mut reader, status);
            }
        }
        Act::Refuse(status) => {
            answer(&mut reader, status);
            // Read to its end: what is not read when a connection is closed takes the answer with it.
            take(&mut reader, usize::MAX, &mut came.body);
        }
        Act::Silence => {
            take(&mut reader, length, &mut came.body);
            came.whole = came.body.len() == length;
            take(&mut reader, usize::MAX, &mut Vec::new());
        }
        Act::Break(bytes) => take(&mut reader, bytes, &mut came.body),
        Act::Stop(bytes) => {
            take(&mut reader, bytes, &mut came.body);
            stop.send(()).unwrap();
            go.recv().unwrap();
            take(&mut reader, length, &mut came.body);
            came.whole = came.body.len() == length;
        }
    }
    drop(tell.send(came));
}
