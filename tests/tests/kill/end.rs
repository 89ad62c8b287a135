//! One of the two ends, as its people reach it.

use crate::wire::Wires;
use herleid::config::Config;
use herleid_tests::connector::Connector;
use herleid_tests::machine::free_port;
use herleid_tests::management::Api;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

/// What is begun and comes to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Negotiation,
    Transfer,
}

impl Kind {
    pub(crate) const ALL: [Self; 2] = [Self::Negotiation, Self::Transfer];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Negotiation => "negotiation",
            Self::Transfer => "transfer",
        }
    }
}

/// A connector behind a wire.
pub(crate) struct End {
    pub(crate) name: &'static str,
    pub(crate) connector: Connector,
    public: u16,
    api: Api,
}

fn is_finished(one: &Value) -> bool {
    let state = one["state"].as_str().unwrap();
    ["FINALIZED", "TERMINATED", "COMPLETED"].contains(&state) && one["underway"].is_null()
}

impl End {
    pub(crate) fn new(folder: &Path, name: &'static str, wires: &Wires) -> Self {
        let (public, port, management) = (free_port(), free_port(), free_port());
        wires.lay(public, port);
        let mut connector = Connector::new(folder.join(name), port, public);
        connector.set("management", &format!("address = \"127.0.0.1:{management}\""));
        // The first start makes the token.
        connector.start();
        connector.kill();
        Self {
            api: Api::new(management, &connector.management_token()),
            name,
            connector,
            public,
        }
    }

    /// Gives it a file of rules, which its next start reads.
    pub(crate) fn rule(&self, rules: &str) {
        let file = self.connector.directory.join("decisions.toml");
        std::fs::write(&file, rules).unwrap();
        self.connector
            .set("decisions", &format!("file = \"{}\"", file.display()));
    }

    /// Its versioned base, behind its wire.
    pub(crate) fn base(&self) -> String {
        format!("http://localhost:{}/dsp/2025-1", self.public)
    }

    /// Begins something; its identifier, if the answer came.
    pub(crate) fn begin(&self, kind: Kind, body: &Value) -> Option<String> {
        let reply = self.api.try_post(&format!("/{}s", kind.name()), body).ok()?;
        let answer: Value = serde_json::from_str(&reply.body).unwrap();
        // The other end's document may not be had at this moment: nothing has begun then.
        assert!(
            [202, 422, 500, 502, 503, 504].contains(&reply.status),
            "{} {answer:#}",
            reply.status
        );
        (reply.status == 202).then(|| answer["pid"].as_str().unwrap().to_owned())
    }

    /// Takes a decision; whether it was possible.
    pub(crate) fn decide(&self, kind: Kind, pid: &str, decision: &str) -> bool {
        let path = format!("/{}s/{pid}/decision", kind.name());
        let body = json!({"decide": decision, "reason": "the test wants it"});
        let Ok(reply) = self.api.try_post(&path, &body) else {
            return false;
        };
        // It may not be possible in its state, or have gone on meanwhile.
        assert!(
            [200, 400, 409, 422, 503].contains(&reply.status),
            "{} {}",
            reply.status,
            reply.body
        );
        reply.status == 200
    }

    /// All that there is, page by page; `None` when the connector is not there.
    pub(crate) fn all(&self, kind: Kind) -> Option<Vec<Value>> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let path = format!("/{}s?limit=500{after}", kind.name());
            let page = self.api.try_get(&path).ok()?.good(200);
            all.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return Some(all),
            }
        }
    }

    pub(crate) fn pids(&self, kind: Kind) -> BTreeSet<String> {
        let all = self.all(kind).unwrap();
        all.iter().map(|one| one["pid"].as_str().unwrap().to_owned()).collect()
    }

    /// What has not come to its end, also with its last message.
    pub(crate) fn unfinished(&self, kind: Kind) -> Vec<String> {
        let all = self.all(kind).unwrap_or_default();
        let left = all.iter().filter(|one| !is_finished(one));
        left.map(|one| one["pid"].as_str().unwrap().to_owned()).collect()
    }

    /// The same, with all that is known of it.
    pub(crate) fn shown_unfinished(&self, kind: Kind) -> Vec<String> {
        let all = self.all(kind).unwrap_or_default();
        let left = all.iter().filter(|one| !is_finished(one));
        left.map(|one| format!("{}: {one:#}", self.name)).collect()
    }

    /// An agreement, if it is on record.
    pub(crate) fn agreement(&self, id: &str) -> Option<Value> {
        let reply = self.api.get(&format!("/agreements/{id}"));
        (reply.status != 404).then(|| reply.good(200))
    }

    /// What checks the whole log of the connector, which does not run any more: every record, tile, stream and the signed root.
    pub(crate) fn check_log(&self) -> impl FnOnce() + Send + use<> {
        let (name, file) = (self.name, self.connector.directory.join("herleid.toml"));
        move || {
            let config = Config::load(&file, std::iter::empty(), true).unwrap();
            let node = herleid::node::open(config).unwrap();
            let audited = node.ledger.verify_all(|_, _| ());
            audited.unwrap_or_else(|e| panic!("the log of the {name}: {e}"));
        }
    }
}
