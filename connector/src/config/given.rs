//! The configuration of a connector in tests: one that nobody reaches, and that may look for others on this machine.

use super::Config;
use std::path::Path;

/// With its n-th log, and with these sections besides.
pub(crate) fn given(directory: &Path, log: u32, more: &str) -> Config {
    let text = format!(
        "[participant]\ndid = \"did:web:localhost%3A7101\"\nname = \"KNMI\"\n\
         [listen]\npublic_url = \"http://localhost:7101\"\n\
         [ledger]\norigin = \"localhost:7101/log/{log}\"\n\
         [network]\nallow_private_addresses = true\n\
         [development]\nplain_http = true\n{more}"
    );
    Config::read(&directory.join("herleid.toml"), &text, std::iter::empty(), true).unwrap()
}
