//! Ways in which a log can be damaged or forged on its way to a reader.

use herleid_tests::lying_proxy::Answer;

/// One of them: its name, the requests that it is about, and what it does to the answers.
pub(crate) struct Damage {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) change: fn(&mut Answer),
}

/// Each of these every reader of a log must notice.
pub(crate) const DAMAGES: [Damage; 8] = [
    Damage {
        name: "a bit of a full tile is flipped",
        about: "GET /log/1/tile/0/000 ",
        change: |answer| answer.body[4_000] ^= 1,
    },
    Damage {
        name: "a bit of a partial tile is flipped",
        about: "GET /log/1/tile/0/001.p/",
        change: |answer| answer.body[0] ^= 0x80,
    },
    Damage {
        name: "a bit of a tile of tiles is flipped",
        about: "GET /log/1/tile/1/000.p/1 ",
        change: |answer| answer.body[31] ^= 1,
    },
    Damage {
        name: "a bit of an entry in a full bundle is flipped",
        about: "GET /log/1/tile/entries/000 ",
        change: |answer| answer.body[2 + 20] ^= 1,
    },
    Damage {
        name: "a bit of an entry in a partial bundle is flipped",
        about: "GET /log/1/tile/entries/001.p/",
        change: |answer| *answer.body.last_mut().unwrap() ^= 1,
    },
    Damage {
        name: "the last entry of a bundle is missing",
        about: "GET /log/1/tile/entries/000 ",
        change: |answer| answer.body.truncate(255 * 35),
    },
    Damage {
        name: "the checkpoint has another root",
        about: "GET /log/1/checkpoint ",
        change: |answer| {
            let root = line(answer, 2);
            answer.body[root] = if answer.body[root] == b'A' { b'B' } else { b'A' };
        },
    },
    Damage {
        name: "the checkpoint says that the log is smaller",
        about: "GET /log/1/checkpoint ",
        change: |answer| {
            let size = line(answer, 1);
            answer.body[size] -= 1;
        },
    },
];

/// Where a line of the answer's body begins.
fn line(answer: &Answer, number: usize) -> usize {
    let ends = answer.body.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
    ends.map(|(at, _)| at + 1).nth(number - 1).unwrap()
}
