//! A witness of another make (C2SP tlog-witness): Torchwood's litewitness cosigns our checkpoints, and stops a log that is rewritten.

use crate::tools::{Running, Tools};
use crate::world::World;
use herleid_tests::connector::serve;
use herleid_tests::lying_proxy::Answer;
use herleid_tests::machine::copy_all;
use herleid_tests::machine::free_port;
use herleid_tests::process::told;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;

/// A litewitness and its ssh-agent.
pub(crate) struct LiteWitness {
    pub(crate) port: u16,
    pub(crate) verifier_key: String,
    _processes: [Running; 2],
}

impl LiteWitness {
    /// Started, and told of one log.
    pub(crate) fn start(tools: &Tools, folder: &Path, (origin, key): (&str, &str)) -> Self {
        let (socket, database) = (folder.join("agent.sock"), folder.join("litewitness.db"));
        let mut agent = tools.command("logcheck");
        agent
            .arg("agent")
            .arg(&socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut agent = Running(agent.spawn().unwrap());
        let mut fingerprint = String::new();
        let mut out = BufReader::new(agent.0.stdout.take().unwrap());
        out.read_line(&mut fingerprint).unwrap();
        let port = free_port();
        let mut program = tools.command("litewitness");
        program
            .args([
                "-name",
                "witness.example/lite",
                "-listen",
                &format!("localhost:{port}"),
                "-key",
                fingerprint.trim(),
            ])
            .arg("-db")
            .arg(&database)
            .arg("-ssh-agent")
            .arg(&socket)
            .stderr(Stdio::piped());
        let mut program = Running(program.spawn().unwrap());
        let mut lines = BufReader::new(program.0.stderr.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let mut until = |what: &str| {
            let mut told = String::new();
            lines
                .find(|line| {
                    told.push_str(line);
                    line.contains(what)
                })
                .unwrap_or_else(|| panic!("litewitness does not say `{what}`: {told}"))
        };
        let line = until("vkey=");
        let verifier_key = line.split_once("vkey=").unwrap().1.trim().to_owned();
        until("msg=listening");
        tools
            .logcheck(&["known", database.to_str().unwrap(), origin, key])
            .unwrap();
        // Its words are read to the end, or it would wait for a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            port,
            verifier_key,
            _processes: [agent, program],
        }
    }
}

/// Our checkpoints are cosigned; what is not cosigned does not count; a rewritten log goes no further.
pub(crate) fn cosigns(world: &mut World) {
    let status = world.witnessed();
    let size = status["size"].as_u64().unwrap();
    let check = |world: &World, witness: &str| world.tools.logcheck(&["cosigned", &world.url(), &world.key(), witness]);
    let key = world.witness.verifier_key.clone();
    assert_eq!(check(world, &key).unwrap(), format!("{size} records cosigned\n"));

    crate::receipts::proof_files(world);

    // A checkpoint whose cosignature is damaged, and one without any.
    world.lie_about_log("GET /log/1/checkpoint ", damage_cosignature);
    check(world, &key).expect_err("a damaged cosignature");
    world.lie_about_log("GET /log/1/checkpoint ", |answer| {
        let lines = crate::text(&answer.body);
        let mut lines: Vec<&str> = lines.lines().collect();
        lines.retain(|line| !line.contains("witness.example/lite"));
        answer.body = format!("{}\n", lines.join("\n")).into_bytes();
    });
    check(world, &key).expect_err("no cosignature");
    world.lie_about_log("", |_| {});
    check(world, &key).unwrap();

    // What comes back from the witness is checked before it counts.
    world.provider.kill();
    world.lie_about_witness(|answer| {
        // Not where it only says how many records it knows.
        if answer.head[0].contains(" 200 ") {
            damage_cosignature(answer);
        }
    });
    refused(world, 7, "cosignature is not believed");
    world.lie_about_witness(|_| {});
    world.provider.start();
    assert_eq!(world.witnessed()["size"].as_u64(), Some(size));

    // A backup is restored, and gone on with where the witness does not see it.
    let (storage, copy) = (world.provider.storage(), world.folder.path().join("copy"));
    world.provider.kill();
    copy_all(&storage, &copy);
    world.provider.start();
    world.publish("snow");
    assert_eq!(world.witnessed()["size"].as_u64(), Some(size + 1));
    world.provider.kill();
    std::fs::remove_dir_all(&storage).unwrap();
    copy_all(&copy, &storage);
    refused(world, 4, "records were lost");
    world.provider.set("trust", "");
    world.provider.start();
    world.publish("hail");
    world.publish("fog");
    world.provider.kill();
    world.provider.set("trust", &world.trust);
    refused(world, 4, "has seen another history");
}

/// Changes a character within the last signature line.
fn damage_cosignature(answer: &mut Answer) {
    let at = answer.body.len() - 12;
    answer.body[at] = if answer.body[at] == b'A' { b'B' } else { b'A' };
}

/// The provider does not start, and says why.
fn refused(world: &World, code: i32, why: &str) {
    let output = serve(&world.provider.directory).output().unwrap();
    assert_eq!(output.status.code(), Some(code), "{}", told(&output));
    assert!(told(&output).contains(why), "expected `{why}`: {}", told(&output));
}
