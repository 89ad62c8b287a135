//! A receiver of webhooks that answers as it is told to.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

pub(crate) struct Hook {
    pub(crate) url: String,
    deliveries: Receiver<Delivery>,
}

/// What was posted.
pub(crate) struct Delivery {
    pub(crate) head: String,
    /// The same, letters as they came: a signature tells them apart.
    pub(crate) raw_head: String,
    pub(crate) body: Vec<u8>,
    pub(crate) event: Value,
    pub(crate) answered: u16,
}

impl Hook {
    /// Answers the first deliveries with these, all others with 204.
    pub(crate) fn start(answers: &[u16]) -> Self {
        Self::saying(answers.iter().map(|status| (*status, "")).collect(), (204, ""))
    }

    /// Answers every delivery with this decision.
    pub(crate) fn deciding(answer: &'static str) -> Self {
        Self::saying(Vec::new(), (200, answer))
    }

    /// Answers the first deliveries with these statuses and bodies, all others with the last of them.
    pub(crate) fn wavering(answers: &[(u16, &'static str)]) -> Self {
        let (last, first) = answers.split_last().expect("an answer");
        Self::saying(first.to_vec(), *last)
    }

    fn saying(first: Vec<(u16, &'static str)>, otherwise: (u16, &'static str)) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://localhost:{}/hook", listener.local_addr().unwrap().port());
        let (sender, deliveries) = channel();
        thread::spawn(move || {
            let mut answers = first.into_iter();
            for stream in listener.incoming() {
                let mut stream = BufReader::new(stream.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if stream.read_line(&mut head).unwrap() == 0 {
                        break;
                    }
                }
                let raw_head = head;
                let head = raw_head.to_lowercase();
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let mut body = vec![0; length.map_or(0, |n| n.trim().parse().unwrap())];
                stream.read_exact(&mut body).unwrap();
                let (answered, said) = answers.next().unwrap_or(otherwise);
                let answer = format!(
                    "HTTP/1.1 {answered} x\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{said}",
                    said.len()
                );
                let event = serde_json::from_slice(&body).unwrap();
                stream.into_inner().write_all(answer.as_bytes()).unwrap();
                let delivery = Delivery {
                    head,
                    raw_head,
                    body,
                    event,
                    answered,
                };
                if sender.send(delivery).is_err() {
                    return;
                }
            }
        });
        Self { url, deliveries }
    }

    /// The next delivery.
    pub(crate) fn next(&self) -> Delivery {
        self.deliveries
            .recv_timeout(Duration::from_secs(90))
            .expect("nothing is delivered")
    }

    /// The next delivery of an event of this type.
    pub(crate) fn until(&self, kind: &str) -> Delivery {
        loop {
            let delivery = self.next();
            if delivery.event["type"] == kind {
                return delivery;
            }
        }
    }
}
