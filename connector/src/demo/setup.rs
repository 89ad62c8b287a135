//! Directories, keys, certificates and configurations of the demonstration's parties.

use super::certificates::Authority;
use super::party::{Party, free_port};
use super::{DemoError, Telling};
use crate::node::{Secrets, log_verifier_key, witness_verifier_key};
use crate::rim::SystemEntropy;
use std::fs;
use std::path::Path;

/// Shows that a directory was made here and may be made again.
const MARK: &str = ".made-by-herleid-demo";

/// Everybody in the demonstration.
pub(super) struct Parties {
    pub(super) knmi: Party,
    pub(super) municipality: Party,
    pub(super) water_board: Party,
    pub(super) app: Party,
    pub(super) issuer: Party,
    pub(super) witness: Party,
}

impl Parties {
    pub(super) fn all_mut(&mut self) -> [&mut Party; 6] {
        // The witness first: a log asks its witnesses before it signs.
        [
            &mut self.witness,
            &mut self.issuer,
            &mut self.knmi,
            &mut self.municipality,
            &mut self.water_board,
            &mut self.app,
        ]
    }

    pub(super) fn all(&self) -> [&Party; 6] {
        [
            &self.witness,
            &self.issuer,
            &self.knmi,
            &self.municipality,
            &self.water_board,
            &self.app,
        ]
    }
}

fn fail<E: std::fmt::Display>(what: &'static str) -> impl Fn(E) -> DemoError {
    move |e| DemoError::Setup {
        what,
        why: e.to_string(),
    }
}

/// Makes the directory afresh; refuses to touch one that it did not make.
pub(super) fn prepare(directory: &Path, telling: &mut Telling) -> Result<Parties, DemoError> {
    let here = fail("the demonstration's directory");
    if directory.exists() {
        let empty = fs::read_dir(directory).map_err(&here)?.next().is_none();
        if !empty && !directory.join(MARK).exists() {
            return Err(DemoError::NotOurs(directory.to_owned()));
        }
        fs::remove_dir_all(directory).map_err(&here)?;
    }
    fs::create_dir_all(directory).map_err(&here)?;
    fs::write(directory.join(MARK), "").map_err(&here)?;
    let directory = &directory.canonicalize().map_err(&here)?;

    let authority = Authority::make().map_err(fail("certificates"))?;
    authority
        .write(&directory.join("ca.pem"))
        .map_err(fail("certificates"))?;
    let party = |name| Ok::<_, DemoError>(Party::new(directory, name, free_port()?));
    let parties = Parties {
        knmi: party("knmi")?,
        municipality: party("municipality")?,
        water_board: party("water-board")?,
        app: party("app")?,
        issuer: party("issuer")?,
        witness: party("witness")?,
    };
    for party in parties.all() {
        fs::create_dir_all(&party.directory).map_err(&here)?;
        authority.issue(&party.directory).map_err(fail("certificates"))?;
        Secrets::make(&party.directory.join("keys"), &SystemEntropy).map_err(fail("keys"))?;
    }
    for party in parties.all() {
        fs::write(party.config(), configuration(party, &parties)?).map_err(fail("a configuration"))?;
    }
    telling.step("demo-prepared", &[("directory", &directory.display().to_string())]);
    Ok(parties)
}

/// What an operator would write into `herleid.toml`.
fn configuration(party: &Party, parties: &Parties) -> Result<String, DemoError> {
    let keys = |p: &Party| Secrets::load(&p.directory.join("keys")).map_err(fail("keys"));
    let mut text = format!(
        "[participant]\ndid = {did:?}\nname = {name:?}\n\n\
         [listen]\naddress = {address:?}\npublic_url = {url:?}\ntls_certificate = \"tls.pem\"\ntls_key = \"tls.key\"\n\n\
         [storage]\ndirectory = \"storage\"\n\n[ledger]\norigin = {origin:?}\n\n[keys]\ndirectory = \"keys\"\n\n\
         [network]\nallow_private_addresses = true\n\n",
        did = party.did,
        name = display_name(party.name),
        address = party.url.replace("https://localhost", "127.0.0.1"),
        url = party.url,
        origin = party.origin(),
    );
    let is_witness = party.name == parties.witness.name;
    let is_issuer = party.name == parties.issuer.name;
    text.push_str("[trust]\ntls_ca = [\"../ca.pem\"]\n");
    if is_witness {
        text.push_str("\n[witness]\nenabled = true\n");
        for other in parties.all().into_iter().filter(|p| p.name != party.name) {
            let key = log_verifier_key(&other.origin(), &keys(other)?).map_err(fail("keys"))?;
            text.push_str(&format!(
                "[[witness.logs]]\norigin = {:?}\nverifier_key = {key:?}\n",
                other.origin()
            ));
        }
        return Ok(text);
    }
    let witness = witness_verifier_key(&parties.witness.url, &keys(&parties.witness)?).map_err(fail("keys"))?;
    text.push_str("quorum = 1\n");
    text.push_str(&format!(
        "[[trust.witnesses]]\nverifier_key = {witness:?}\nurl = \"{}/witness\"\n",
        parties.witness.url
    ));
    text.push_str(&format!(
        "[[trust.issuers]]\ndid = {:?}\ntypes = [\"MembershipCredential\", \"ModelAccreditationCredential\"]\n",
        parties.issuer.did
    ));
    if is_issuer {
        text.push_str("\n[issuer]\nenabled = true\n");
    } else {
        text.push_str("\n[identity]\nrequired_credentials = [\"MembershipCredential\"]\n");
    }
    Ok(text)
}

fn display_name(name: &str) -> &'static str {
    match name {
        "knmi" => "KNMI (demonstration)",
        "municipality" => "Gemeente Vlissingen (demonstration)",
        "water-board" => "Waterschap Scheldestromen (demonstration)",
        "app" => "Bouwer van de regen-app (demonstration)",
        "issuer" => "Uitgever van bewijzen (demonstration)",
        _ => "Getuige (demonstration)",
    }
}
