//! That there is a list is known in the log: an empty folder in its place (its disk is not mounted after a restart, say) is not taken for it.

use super::{MARK, RegisterError, io, marked, sync};
use crate::commands::Failure;
use crate::node::Node;
use crate::state::set;
use ed25519_dalek::SigningKey;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

/// Where in the state it stands that a list was begun.
const BEGUN: &str = "erasure-list/begun";
/// The file by which somebody says that another list is to be begun.
const ANEW: &str = "anew";

/// That a folder is the list that was begun before, if one was; or that somebody wants it begun anew.
///
/// # Errors
/// When it is another folder, or cannot be read.
pub(in crate::erasure) fn check_begun(node: &Node, folder: &Path, key: &SigningKey) -> Result<(), Failure> {
    let anew = folder.join(ANEW);
    let is_begun = node.state.get::<bool>(BEGUN)?.is_some();
    if !is_begun || marked(folder, key)?.is_some() || anew.try_exists().map_err(io(&anew, "found"))? {
        return Ok(());
    }
    let why = format!(
        "it has no file `{MARK}`, and a list was begun before; if that is lost, make an empty file `{ANEW}` there, and another one is begun from what the log knows"
    );
    let path = folder.to_owned();
    Err(RegisterError::NotWhole { path, why }.into())
}

/// Keeps that there is a list.
///
/// # Errors
/// When it cannot be kept.
pub(in crate::erasure) async fn begin(node: &Node, folder: &Path) -> Result<(), Failure> {
    if node.state.get::<bool>(BEGUN)?.is_none() {
        node.ledger.put_state(vec![set(BEGUN, &true)?]).await?;
    }
    let anew = folder.join(ANEW);
    match fs::remove_file(&anew) {
        Ok(()) => Ok(sync(folder)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io(&anew, "removed")(error).into()),
    }
}
