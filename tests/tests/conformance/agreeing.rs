//! One agreement for each of the kit's tests of transfers, concluded as any other: before the kit starts, its part is played from here,
//! at the kit's address. It asks for the connector's datasets, and is asked for its own.

use crate::connector::{Connector, Outside};
use crate::http::{Answer, Request, Server};
use crate::names::{self, CONTEXT, DID, NAME, TOKEN};
use herleid_vocab::time::format_rfc3339_ms;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How long all the agreements may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// Before the dataset in our process ids.
const PID: &str = "urn:kit:";

/// A dataset and its agreement, or what went wrong.
type Concluded = Result<(String, String), String>;

/// The kit's part.
struct Player {
    connector: Outside,
    kit_port: u16,
    /// What the connector has agreed to as the provider, by dataset.
    agreed: Mutex<BTreeMap<String, String>>,
    concluded: Sender<Concluded>,
}

/// The agreements, by their datasets.
pub(crate) fn agreements(connector: &Connector, kit_port: u16) -> BTreeMap<String, String> {
    let (sender, concluded) = mpsc::channel();
    let player = Arc::new(Player {
        connector: connector.outside,
        kit_port,
        agreed: Mutex::default(),
        concluded: sender,
    });
    let answering = player.clone();
    let server = Server::start(kit_port, move |request| answering.answer(request));
    let (provided, consumed) = (names::provided(), names::consumed());
    for dataset in &provided {
        let answer = connector
            .outside
            .message("/negotiations/request", &player.request(dataset));
        answer.unwrap().good(dataset);
    }
    for dataset in &consumed {
        let wanted = json!({"counterparty": DID, "address": player.address(), "offer": offer(dataset)});
        let answer = connector.management.post("/negotiations", &wanted);
        answer.unwrap().good(dataset);
    }
    let started = Instant::now();
    let mut agreements = BTreeMap::new();
    while agreements.len() < provided.len() + consumed.len() {
        let left = PATIENCE.saturating_sub(started.elapsed());
        let concluded = concluded.recv_timeout(left).unwrap_or_else(|_| {
            panic!(
                "only {} agreements were concluded in {PATIENCE:?}: {agreements:?}",
                agreements.len()
            )
        });
        agreements.extend([concluded.unwrap()]);
    }
    for dataset in &consumed {
        in_force(connector, &agreements[dataset], started);
    }
    drop(server);
    agreements
}

/// Waits until the connector has recorded an agreement as its consumer; that comes after its answer to the last message.
fn in_force(connector: &Connector, agreement: &str, started: Instant) {
    let path = format!("/agreements/{}", agreement.replace(':', "%3A"));
    loop {
        let found = connector.management.get(&path).unwrap();
        if found.status == 200 {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "`{agreement}` is not in force: {found:?}");
    }
}

fn offer(dataset: &str) -> Value {
    json!({"@id": names::offer(dataset), "@type": "Offer", "target": dataset, "permission": [{"action": "use"}]})
}

impl Player {
    fn address(&self) -> String {
        format!("http://localhost:{}", self.kit_port)
    }

    /// The request for a dataset of the connector.
    fn request(&self, dataset: &str) -> Value {
        json!({"@context": [CONTEXT], "@type": "ContractRequestMessage", "consumerPid": format!("{PID}{dataset}"),
            "callbackAddress": self.address(), "offer": offer(dataset)})
    }

    fn answer(self: &Arc<Self>, request: &Request) -> Answer {
        if request.authorization.as_deref() != Some(TOKEN) {
            let found = &request.authorization;
            return self.wrong(format!(
                "{}: the authorization is {found:?}, not `{TOKEN}`",
                request.path
            ));
        }
        let body = &request.body;
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let action: Vec<&str> = request.path.split('/').skip(2).collect();
        match (request.method.as_str(), action.as_slice()) {
            ("POST", ["request"]) => {
                let dataset = body["offer"]["target"].as_str().unwrap_or_default();
                let pids = pids(&format!("{PID}{dataset}"), text("consumerPid"));
                let agreed = agreement(dataset, &self.connector.did());
                let message = json!({"@type": "ContractAgreementMessage", "agreement": agreed});
                self.send("agreement", merged(&message, &pids), None);
                let standing = json!({"@type": "ContractNegotiation", "state": "REQUESTED"});
                Answer::new(201, merged(&standing, &pids))
            }
            ("POST", [_, "agreement", "verification"]) => {
                let dataset = text("providerPid").replace(PID, "");
                let message = json!({"@type": "ContractNegotiationEventMessage", "eventType": "FINALIZED"});
                let message = merged(&message, &pids(text("providerPid"), text("consumerPid")));
                let agreement = agreement_id(&dataset);
                self.send("events", message, Some((dataset, agreement)));
                Answer::new(200, Value::Null)
            }
            ("POST", [_, "agreement"]) => {
                let dataset = text("consumerPid").replace(PID, "");
                let id = body["agreement"]["@id"].as_str().unwrap_or_default();
                self.agreed.lock().unwrap().insert(dataset, id.to_owned());
                let message = json!({"@type": "ContractAgreementVerificationMessage"});
                let message = merged(&message, &pids(text("providerPid"), text("consumerPid")));
                self.send("agreement/verification", message, None);
                Answer::new(200, Value::Null)
            }
            ("POST", [_, "events"]) if text("eventType") == "FINALIZED" => {
                let dataset = text("consumerPid").replace(PID, "");
                let agreed = self.agreed.lock().unwrap().get(&dataset).cloned();
                let concluded = agreed.ok_or_else(|| format!("`{dataset}` is finalized without an agreement"));
                self.tell(concluded.map(|id| (dataset, id)));
                Answer::new(200, Value::Null)
            }
            _ => self.wrong(format!("not expected: {request:?}")),
        }
    }

    /// Sends what comes next, apart from the answer that this thread owes; `done` once it has been taken.
    fn send(self: &Arc<Self>, action: &str, message: Value, done: Option<(String, String)>) {
        let theirs = ["consumerPid", "providerPid"].map(|name| message[name].as_str().unwrap_or_default());
        let theirs = theirs.into_iter().find(|pid| !pid.starts_with(PID)).unwrap_or_default();
        let path = format!("/negotiations/{}/{action}", theirs.replace(':', "%3A"));
        let player = self.clone();
        std::thread::spawn(move || match player.connector.message(&path, &message) {
            Ok(answer) if answer.status == 200 => {
                if let Some(done) = done {
                    player.tell(Ok(done));
                }
            }
            other => player.tell(Err(format!("{path}: {message}: {other:?}"))),
        });
    }

    fn wrong(&self, what: String) -> Answer {
        self.tell(Err(what.clone()));
        Answer::new(400, Value::String(what))
    }

    fn tell(&self, concluded: Concluded) {
        // Nobody listens any more after the first failure.
        let _heard = self.concluded.send(concluded);
    }
}

fn pids(provider: &str, consumer: &str) -> Value {
    json!({"providerPid": provider, "consumerPid": consumer})
}

fn merged(message: &Value, pids: &Value) -> Value {
    let mut members = message.as_object().unwrap().clone();
    members.extend(pids.as_object().unwrap().clone());
    members.entry("@context").or_insert(json!([CONTEXT]));
    Value::Object(members)
}

fn agreement_id(dataset: &str) -> String {
    format!("urn:kit:agreement:{dataset}")
}

fn agreement(dataset: &str, consumer: &str) -> Value {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    json!({"@id": agreement_id(dataset), "@type": "Agreement", "target": dataset, "assigner": NAME, "assignee": consumer,
        "timestamp": format_rfc3339_ms(u64::try_from(now).unwrap()), "permission": [{"action": "use"}]})
}
