//! Time stamps (RFC 3161) by `openssl ts`, which stands for an authority: asked over HTTP, kept, checked by OpenSSL and by our verifier.

use crate::tools::said;
use crate::world::{World, text_of};
use herleid_tests::connector::{good, run};
use herleid_tests::machine::free_port;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const CONFIGURATION: &str = "[tsa]\ndefault_tsa = ours\n[ours]\nserial = serial\ndefault_policy = 1.2.3.4.1\ndigests = sha256\n\
                             ess_cert_id_alg = sha256\nsigner_digest = sha256\naccuracy = secs:1\n";

/// How the authority answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As it should.
    Honest,
    /// Signed by somebody with the same name whom nobody trusts.
    Impostor,
    /// With an answer to another question about the same bytes.
    Replayed,
}

/// An authority with a certificate of its own, and an impostor.
struct Authority {
    folder: PathBuf,
    manner: Arc<Mutex<Manner>>,
    port: u16,
}

fn openssl(folder: &Path, arguments: &[&str]) -> Output {
    Command::new("openssl")
        .current_dir(folder)
        .args(arguments)
        .output()
        .unwrap()
}

fn done(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

impl Authority {
    fn start(folder: &Path) -> Self {
        let folder = folder.join("authority");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("tsa.cnf"), CONFIGURATION).unwrap();
        std::fs::write(folder.join("serial"), "01\n").unwrap();
        std::fs::write(folder.join("usage"), "extendedKeyUsage=critical,timeStamping\n").unwrap();
        for who in ["honest", "impostor"] {
            let (ca, ca_key) = (format!("{who}-ca.pem"), format!("{who}-ca.key"));
            let (key, request, certificate) = (format!("{who}.key"), format!("{who}.csr"), format!("{who}.pem"));
            let root = [
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=Authority",
            ];
            done(&openssl(
                &folder,
                &[&root[..], &["-keyout", &ca_key, "-out", &ca]].concat(),
            ));
            let asked = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Clock"];
            done(&openssl(
                &folder,
                &[&asked[..], &["-keyout", &key, "-out", &request]].concat(),
            ));
            let signed = ["x509", "-req", "-days", "2", "-extfile", "usage", "-CAcreateserial"];
            let files = ["-in", &request, "-CA", &ca, "-CAkey", &ca_key, "-out", &certificate];
            done(&openssl(&folder, &[&signed[..], &files].concat()));
        }
        let (port, manner) = (free_port(), Arc::new(Mutex::new(Manner::Honest)));
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let (here, told) = (folder.clone(), manner.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let manner = *told.lock().unwrap();
                answer(stream, &here, manner);
            }
        });
        Self { folder, manner, port }
    }

    fn answers(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    fn file(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }
}

/// One question, and what is said to it.
fn answer(mut stream: TcpStream, folder: &Path, manner: Manner) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut length, mut head) = (0, String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or_default() == 0 {
            return;
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap();
        }
        if line.is_empty() {
            break;
        }
        head.push_str(&line);
    }
    assert!(head.contains("content-type: application/timestamp-query"), "{head}");
    let mut question = vec![0; length];
    reader.read_exact(&mut question).unwrap();
    if manner == Manner::Replayed {
        // The digest is the only octet string of a question; asked anew, it gets a nonce of its own.
        let at = question.windows(2).position(|bytes| bytes == [4, 32]).unwrap() + 2;
        let digest: String = question[at..at + 32].iter().map(|byte| format!("{byte:02x}")).collect();
        let query = [
            "ts", "-query", "-sha256", "-cert", "-digest", &digest, "-out", "question",
        ];
        done(&openssl(folder, &query));
    } else {
        std::fs::write(folder.join("question"), question).unwrap();
    }
    let who = if manner == Manner::Impostor {
        "impostor"
    } else {
        "honest"
    };
    let (signer, key) = (format!("{who}.pem"), format!("{who}.key"));
    let reply = [
        "ts",
        "-reply",
        "-config",
        "tsa.cnf",
        "-queryfile",
        "question",
        "-out",
        "answer",
    ];
    done(&openssl(
        folder,
        &[&reply[..], &["-signer", &signer, "-inkey", &key]].concat(),
    ));
    let body = std::fs::read(folder.join("answer")).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    // Whoever has gone away does not get the answer.
    let _gone = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

/// Starts the provider anew, and waits until it has said so on standard error.
fn restarted_until(world: &mut World, what: &str) {
    world.provider.kill();
    let log = world.provider.log();
    let before = std::fs::read_to_string(&log).unwrap().len();
    world.provider.start();
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let said = std::fs::read_to_string(&log).unwrap();
        if said[before..].contains(what) {
            return;
        }
        assert!(Instant::now() < end, "`{what}` is not said within a minute: {said}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A time stamp that was written.
struct Written {
    checkpoint: String,
    response: String,
    size: u64,
}

pub(crate) fn rfc3161(world: &mut World) {
    let authority = Authority::start(world.folder.path());
    let folder = world.folder.path().join("timestamps");
    let export = |world: &World| {
        world
            .provider
            .run(&["ledger", "timestamps", "--out", folder.to_str().unwrap()])
    };
    let lines = format!(
        "authorities = [{{ url = \"http://localhost:{}/stamp\", certificate = \"{}\" }}]\nevery_s = 60",
        authority.port,
        authority.file("honest-ca.pem")
    );
    world.provider.set("timestamps", &lines);
    // What nobody trusts, and what answers something else, is not kept.
    authority.answers(Manner::Impostor);
    restarted_until(world, "whose certificate is not trusted here");
    authority.answers(Manner::Replayed);
    restarted_until(world, "answers another question");
    let none = export(world);
    assert!(
        !none.status.success() && said(&none).contains("no checkpoint of this log was stamped yet"),
        "{}",
        said(&none)
    );

    authority.answers(Manner::Honest);
    restarted_until(world, "checkpoint stamped");
    let exported = good(&export(world));
    let [stamp] = exported["timestamps"].as_array().unwrap().as_slice() else {
        panic!("one stamp: {exported}");
    };
    assert_eq!(stamp["authority"], "CN=Clock", "{stamp}");
    let written = Written {
        checkpoint: text_of(stamp, "checkpoint"),
        response: text_of(stamp, "response"),
        size: stamp["size"].as_u64().unwrap(),
    };
    let note = std::fs::read_to_string(&written.checkpoint).unwrap();
    assert!(
        note.contains("witness.example/lite"),
        "the stamp is over the witness's word too: {note}"
    );
    checked_by_both(world, &authority, &written);
}

fn checked_by_both(world: &World, authority: &Authority, written: &Written) {
    let key = world.folder.path().join("log.vkey");
    std::fs::write(&key, world.key()).unwrap();
    let by_openssl = |response: &str, data: &str, ca: &str| {
        let arguments = ["ts", "-verify", "-in", response, "-data", data, "-CAfile", ca];
        openssl(&authority.folder, &arguments).status.success()
    };
    let by_us = |response: &str, data: &str, ca: &str| {
        let arguments = [
            "ledger",
            "check-timestamp",
            data,
            response,
            "--authority",
            ca,
            "--log-key",
            key.to_str().unwrap(),
        ];
        run(&[&["--json"][..], &arguments].concat())
    };
    let (ca, other_ca) = (authority.file("honest-ca.pem"), authority.file("impostor-ca.pem"));
    let (response, checkpoint) = (written.response.as_str(), written.checkpoint.as_str());
    assert!(by_openssl(response, checkpoint, &ca));
    let ours: Value = good(&by_us(response, checkpoint, &ca));
    assert_eq!(
        (ours["size"].as_u64(), &ours["authority"]),
        (Some(written.size), &Value::from("CN=Clock")),
        "{ours}"
    );

    let both_refuse = |name: &str, response: &str, data: &str, ca: &str| {
        assert!(!by_openssl(response, data, ca), "{name}: OpenSSL accepts it");
        let ours = by_us(response, data, ca);
        assert_eq!(ours.status.code(), Some(4), "{name}: {}", said(&ours));
    };
    both_refuse("an authority that is not trusted", response, checkpoint, &other_ca);
    let changed = |file: &str, at: usize| {
        let mut bytes = std::fs::read(file).unwrap();
        bytes[at] ^= 1;
        let path = world.folder.path().join("changed");
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    both_refuse("another checkpoint", response, &changed(checkpoint, 30), &ca);
    let length = std::fs::read(response).unwrap().len();
    // The time, the certificate, the signature.
    for at in [length / 8, length / 2, length - 20] {
        both_refuse("a changed answer", &changed(response, at), checkpoint, &ca);
    }
}
