//! A real EDC, control plane and data plane in one process, as `deploy/build/edc.sh` puts it in `target/edc`.

use crate::http::Caller;
use crate::machine::{free_port, until};
use crate::process::{Process, mortal};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// The version of the Dataspace Protocol, as EDC's management API names it.
const PROTOCOL: &str = "dataspace-protocol-http:2025-1";
/// EDC's numbers of the states in which negotiations end.
const FINALIZED: u16 = 1200;
const TERMINATED: u16 = 1400;
/// EDC's namespace.
pub const EDC: &str = "https://w3id.org/edc/v0.0.1/ns/";
/// The left operand that `InteropExtension.java` evaluates: whom a permission is for.
pub const PARTY: &str = "https://w3id.org/herleid/interop/party";
/// How long an EDC may take to start, on a machine that does other things as well.
const START: Duration = Duration::from_secs(180);
/// How long anything else may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How often its state machines look whether there is something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// As it is delivered: once a second.
    Delivered,
    /// A hundred times a second.
    Tuned,
}

/// A running EDC; it ends with this, and with this program.
pub struct Edc {
    process: Process,
    pub did: String,
    protocol: u16,
    /// From the start of its process until everything answers.
    pub started_in: Duration,
    management: Caller,
    references: Caller,
}

/// The folder that EDC was put in.
pub fn target() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    let target = this.ancestors().find(|folder| folder.join("edc/libs").is_dir());
    target
        .expect("there is no EDC in target/edc: run deploy/build/edc.sh")
        .join("edc")
}

impl Edc {
    /// Starts an EDC that calls itself `did`, and waits until it is ready. What it has to say goes to `folder`.
    pub fn start(folder: &Path, did: &str, pace: Pace) -> Self {
        std::fs::create_dir_all(folder).unwrap();
        let [own, control, management, protocol, data] = [(); 5].map(|()| free_port());
        let every = match pace {
            Pace::Delivered => String::new(),
            Pace::Tuned => ["negotiation.consumer", "negotiation.provider", "transfer", "dataplane"]
                .map(|machine| format!("edc.{machine}.state-machine.iteration-wait-millis=10\n"))
                .concat(),
        };
        let properties = format!(
            "edc.participant.id={did}\nedc.hostname=localhost\nedc.dsp.callback.address=http://localhost:{protocol}/dsp\n\
             web.http.port={own}\nweb.http.path=/api\nweb.http.control.port={control}\nweb.http.control.path=/control\n\
             web.http.management.port={management}\nweb.http.management.path=/management\n\
             web.http.protocol.port={protocol}\nweb.http.protocol.path=/dsp\nweb.http.public.port={data}\nweb.http.public.path=/public\n\
             interop.public.endpoint=http://localhost:{data}/public\ninterop.ends.with.input=true\n\
             edc.transfer.proxy.token.signer.privatekey.alias=private\nedc.transfer.proxy.token.verifier.publickey.alias=public\n{every}"
        );
        let file = folder.join("edc.properties");
        std::fs::write(&file, properties).unwrap();
        let log = folder.join("edc.log");
        let began = Instant::now();
        let mut java = mortal("java");
        java.arg(format!("-Dedc.fs.config={}", file.display()))
            .arg("-cp")
            .arg(format!("{0}/libs/*:{0}/classes", target().display()))
            .arg("org.eclipse.edc.boot.system.runtime.BaseRuntime")
            .stdin(Stdio::piped())
            .stdout(File::create(&log).unwrap())
            .stderr(File::create(folder.join("edc.err")).unwrap());
        // Without Java it ends at once, and `edc.err` says why.
        let mut process = Process::start(&mut java);
        let said = || String::from_utf8_lossy(&std::fs::read(&log).unwrap()).into_owned();
        until("EDC is ready", START, || {
            assert!(
                process.is_running(),
                "EDC ends (is there a Java? deploy/build/deps.sh java brings it): {}",
                said()
            );
            said()
                .lines()
                .any(|line| line.contains("Runtime") && line.contains("ready"))
                .then_some(())
                .ok_or_else(said)
        });
        Self {
            process,
            did: did.to_owned(),
            protocol,
            started_in: began.elapsed(),
            management: Caller::new(management, &[]),
            references: Caller::new(own, &[]),
        }
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Its versioned base.
    pub fn base(&self) -> String {
        format!("http://localhost:{}/dsp/2025-1", self.protocol)
    }

    fn post(&self, path: &str, mut body: Value) -> Value {
        body["@context"] = json!({"@vocab": EDC});
        let answer = self.management.post(&format!("/management/v3{path}"), &body);
        answer.good(path)
    }

    fn get(&self, path: &str) -> Value {
        self.management.get(&format!("/management/v3{path}")).good(path)
    }

    /// Offers what stands at `port` of this machine as the asset `id`, under one permission.
    pub fn offer(&self, id: &str, port: u16, permission: &Value) {
        let source = json!({"type": "HttpData", "baseUrl": format!("http://localhost:{port}/")});
        self.post(
            "/assets",
            json!({"@id": id, "properties": {"name": id}, "dataAddress": source}),
        );
        let policy = |id: String, permission: &Value| {
            let odrl = "http://www.w3.org/ns/odrl.jsonld";
            json!({"@id": id, "policy": {"@context": odrl, "@type": "Set", "permission": [permission]}})
        };
        self.post(
            "/policydefinitions",
            policy(format!("{id}-seen"), &json!({"action": "use"})),
        );
        self.post("/policydefinitions", policy(format!("{id}-used"), permission));
        self.post(
            "/contractdefinitions",
            json!({
                "@id": format!("{id}-definition"),
                "accessPolicyId": format!("{id}-seen"),
                "contractPolicyId": format!("{id}-used"),
                "assetsSelector": [{"operandLeft": format!("{EDC}id"), "operator": "=", "operandRight": id}],
            }),
        );
    }

    /// The datasets that `provider` offers, as EDC's users read them.
    pub fn catalogue(&self, provider: (&str, &str)) -> Vec<Value> {
        let (did, base) = provider;
        let asked = json!({"counterPartyId": did, "counterPartyAddress": base, "protocol": PROTOCOL});
        let found = self.post("/catalog/request", asked);
        found["dataset"].as_array().cloned().unwrap_or_default()
    }

    /// The offer about `dataset` in a catalogue, as a request repeats it.
    pub fn offer_in(catalogue: &[Value], dataset: &str, assigner: &str) -> Value {
        let found = catalogue.iter().find(|d| d["@id"] == dataset);
        let found = found.unwrap_or_else(|| panic!("`{dataset}` is not in {catalogue:?}"));
        let mut offer = found["hasPolicy"][0].clone();
        offer["@context"] = json!("http://www.w3.org/ns/odrl.jsonld");
        offer["assigner"] = json!(assigner);
        offer["target"] = json!(dataset);
        offer
    }

    /// Asks `provider` for an agreement; the negotiation's id.
    pub fn negotiate(&self, base: &str, offer: &Value) -> String {
        let asked = json!({"counterPartyAddress": base, "protocol": PROTOCOL, "policy": offer});
        id(&self.post("/contractnegotiations", asked))
    }

    /// Asks for a pull; the transfer's id.
    pub fn transfer(&self, base: &str, agreement: &Value) -> String {
        let asked = json!({
            "counterPartyAddress": base, "protocol": PROTOCOL, "contractId": agreement, "transferType": "HttpData-PULL",
        });
        id(&self.post("/transferprocesses", asked))
    }

    /// Ends a process (`contractnegotiations` or `transferprocesses`).
    pub fn terminate(&self, kind: &str, id: &str) {
        let reason = json!({"@id": id, "reason": "enough"});
        self.post(&format!("/{kind}/{id}/terminate"), reason);
    }

    /// A process as it stands.
    pub fn process(&self, kind: &str, id: &str) -> Value {
        self.get(&format!("/{kind}/{id}"))
    }

    /// The negotiations in a state (EDC's number of it) from `offset` on, at most `limit`.
    fn negotiations(&self, state: u16, offset: usize, limit: usize) -> usize {
        let filter = json!([{"operandLeft": "state", "operator": "=", "operandRight": state}]);
        let query = json!({"@type": "QuerySpec", "offset": offset, "limit": limit, "filterExpression": filter});
        let found = self.post("/contractnegotiations/request", query);
        found.as_array().map_or(0, Vec::len)
    }

    /// Whether so many negotiations have come to an end. Their number cannot be asked for, only whether there is one with that number.
    pub fn has_ended(&self, count: usize) -> bool {
        let terminated = self.negotiations(TERMINATED, 0, count);
        terminated >= count || self.negotiations(FINALIZED, count - terminated - 1, 1) > 0
    }

    /// How many negotiations have come to their good end, of `total`.
    pub fn finalized(&self, total: usize) -> usize {
        self.negotiations(FINALIZED, 0, total)
    }

    /// A process, once it is in one of the states that are waited for.
    pub fn reaches(&self, kind: &str, id: &str, states: &[&str]) -> Value {
        until(&format!("{kind} {id} is {states:?} at EDC"), PATIENCE, || {
            let found = self.process(kind, id);
            let reached = states.iter().any(|state| found["state"] == *state);
            if reached { Ok(found) } else { Err(found) }
        })
    }

    /// What EDC kept of the access that it was given: every property, by its full name.
    pub fn reference(&self, transfer: &str) -> Value {
        until(&format!("EDC has access under {transfer}"), PATIENCE, || {
            let answer = self.references.get(&format!("/api/references/{transfer}"));
            match answer.status {
                200 => Ok(answer.good("references")),
                other => Err(other),
            }
        })
    }
}

fn id(answer: &Value) -> String {
    answer["@id"].as_str().unwrap().to_owned()
}
