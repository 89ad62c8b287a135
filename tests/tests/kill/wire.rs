//! The wires between the two: bytes pass as they are, until a wire breaks in the middle of them.

use crate::random::Random;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// One connection in so many breaks.
const BREAKS: usize = 6;
/// A connection that breaks does so before so many bytes: in a head, in a body, between request and answer.
const BYTES: usize = 6_000;

/// All wires of a test.
pub(crate) struct Wires {
    shared: Arc<Shared>,
    moved: Receiver<()>,
}

struct Shared {
    random: Mutex<Random>,
    is_mended: AtomicBool,
    moves: Mutex<Sender<()>>,
}

impl Shared {
    /// After how many bytes a new connection breaks.
    fn length(&self) -> i64 {
        let mut random = self.random.lock().unwrap();
        let (breaks, bytes) = (random.below(BREAKS) == 0, random.below(BYTES));
        if breaks && !self.is_mended.load(Ordering::SeqCst) {
            i64::try_from(bytes).unwrap()
        } else {
            i64::MAX
        }
    }
}

impl Wires {
    pub(crate) fn new(random: Random) -> Self {
        let (moves, moved) = channel();
        let shared = Shared {
            random: Mutex::new(random),
            is_mended: AtomicBool::new(false),
            moves: Mutex::new(moves),
        };
        Self {
            shared: Arc::new(shared),
            moved,
        }
    }

    /// From now on no wire breaks.
    pub(crate) fn mend(&self) {
        self.shared.is_mended.store(true, Ordering::SeqCst);
    }

    /// Waits until bytes have passed, at most so long.
    pub(crate) fn has_moved(&self, patience: Duration) -> bool {
        self.moved.recv_timeout(patience).is_ok()
    }

    /// A wire from `port` to whoever listens on `to` at that moment; it goes with the process.
    pub(crate) fn lay(&self, port: u16, to: u16) {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let shared = self.shared.clone();
        thread::spawn(move || {
            for from in listener.incoming().flatten() {
                // Nobody is there: the caller sees its connection end, as behind any gateway.
                let Ok(to) = TcpStream::connect(("127.0.0.1", to)) else {
                    continue;
                };
                let left = Arc::new(AtomicI64::new(shared.length()));
                let moves = shared.moves.lock().unwrap().clone();
                for (from, to) in [(&from, &to), (&to, &from)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    let (left, moves) = (left.clone(), moves.clone());
                    thread::spawn(move || pass(from, to, &left, &moves));
                }
            }
        });
    }
}

/// Passes bytes on, until there are no more or the wire breaks.
fn pass(mut from: TcpStream, mut to: TcpStream, left: &AtomicI64, moves: &Sender<()>) {
    let mut bytes = [0; 4_096];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        let before = left.fetch_sub(i64::try_from(count).unwrap(), Ordering::SeqCst);
        let passing = usize::try_from(before.max(0)).unwrap().min(count);
        let passed = to.write_all(&bytes[..passing]);
        // Nobody looks any more when the test is over.
        moves.send(()).unwrap_or_default();
        if passed.is_err() || passing < count {
            break;
        }
    }
    // Either may be gone already.
    for stream in [from, to] {
        stream.shutdown(Shutdown::Both).unwrap_or_default();
    }
}

#[test]
fn a_wire_passes_what_it_is_given_and_one_that_breaks_does_so_in_the_middle() {
    use herleid_tests::machine::free_port;
    let echo = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = echo.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in echo.incoming().flatten() {
            let mut answer = stream.try_clone().unwrap();
            thread::spawn(move || std::io::copy(&mut &stream, &mut answer));
        }
    });
    let wires = Wires::new(Random::new(1));
    let port = free_port();
    wires.lay(port, to);
    let sent = vec![7; 4 * BYTES];
    let back = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let mut writing = stream.try_clone().unwrap();
        let sent = sent.clone();
        let writing = thread::spawn(move || {
            writing
                .write_all(&sent)
                .and_then(|()| writing.shutdown(Shutdown::Write))
        });
        let mut back = Vec::new();
        // A broken wire may also end the reading.
        let _ended = stream.read_to_end(&mut back);
        let _ended = writing.join().unwrap();
        back.len()
    };
    let came: Vec<usize> = (0..40).map(|_| back()).collect();
    assert!(came.iter().any(|bytes| *bytes < BYTES), "{came:?}");
    wires.mend();
    assert!(wires.has_moved(Duration::ZERO));
}
