//! The package of a model: what its holder writes, as TOML or JSON (docs/models.md), and what of it is published.

use super::limits::{LimitError, Limits};
use super::names::{distinct, filled, identifier, media_type, member};
use super::parameter::{Parameter, RawParameter};
use super::replay_compare::{Canonicalisation, CompareError};
use herleid_vocab::json;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Component, Path, PathBuf};

/// The form of a package.
pub const FORMAT: &str = "herleid-model/1";
/// A name that stands for the seed in a request, and for no input or parameter.
pub const SEED: &str = "seed";
/// Longest package file: 1 MiB, as for every message.
const MAX_BYTES: usize = json::Limits::MESSAGE.max_bytes;
/// Most inputs, parameters and outputs of a model, each.
const MAX_ITEMS: usize = 256;

/// Why a package is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    /// Not the TOML or JSON that was expected.
    #[error("the model package cannot be read: {why}")]
    Syntax {
        /// What, and where.
        why: String,
    },
    /// A member has a value that it may not have.
    #[error("`{member}` of the model package: {why}")]
    Member {
        /// The member.
        member: String,
        /// What was found and what was expected.
        why: String,
    },
    /// A limit out of bounds.
    #[error("`limits` of the model package: {0}")]
    Limits(#[from] LimitError),
    /// A canonicalisation that no verifier would apply.
    #[error("`canonicalisation` of the model package: {0}")]
    Canonicalisation(#[from] CompareError),
}

/// Under what terms the program is given on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// SPDX identifier, or a text where there is none.
    pub id: String,
    /// Whether the program itself may be put into a dossier; without it an auditor cannot run it again.
    pub program_in_dossier: bool,
}

/// What the program needs around it, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// For people: what has to be there for the same answer.
    pub description: String,
    /// Debian packages that have to be installed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packages: Vec<String>,
}

/// A file that goes in or comes out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Its name in requests and records.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What it holds.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Its file name in `in/` or `out/`.
    pub file: String,
    /// Its media type (RFC 6838), such as `application/json`.
    pub media_type: String,
}

/// The published part of a package, unchecked. Serialises to what a process description carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawModel {
    format: String,
    id: String,
    version: String,
    title: String,
    #[serde(default)]
    description: String,
    /// The program's path in a package; in what is published, `sha256:` and its digest; empty in a [`Model`], which is
    /// the same model wherever its program lies.
    program: String,
    #[serde(default)]
    arguments: Vec<String>,
    canonicalisation: String,
    uses_seed: bool,
    licence: Licence,
    environment: Environment,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    inputs: Vec<Port>,
    #[serde(default)]
    parameters: Vec<RawParameter>,
    outputs: Vec<Port>,
}

/// A model whose description has been checked; only [`ModelPackage`] and `process::Process` make one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    raw: RawModel,
    limits: Limits,
    canonicalisation: Canonicalisation,
    parameters: Vec<Parameter>,
}

/// A package as it lies on its holder's disk: a model and where its program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPackage {
    model: Model,
    program: PathBuf,
}

impl ModelPackage {
    /// Reads a package from TOML.
    ///
    /// # Errors
    /// Names the member that is unknown, missing or wrong.
    pub fn from_toml(text: &str) -> Result<Self, PackageError> {
        if text.len() > MAX_BYTES {
            return Err(PackageError::Syntax {
                why: format!("it has {} bytes; at most {MAX_BYTES} are read", text.len()),
            });
        }
        Self::checked(toml::from_str(text).map_err(|e| PackageError::Syntax { why: e.to_string() })?)
    }

    /// Reads a package from JSON (`model.json`), strictly.
    ///
    /// # Errors
    /// Names the member that is unknown, missing or wrong.
    pub fn from_json(bytes: &[u8]) -> Result<Self, PackageError> {
        let syntax = |why: String| PackageError::Syntax { why };
        let value = json::parse(bytes, &json::Limits::MESSAGE).map_err(|e| syntax(e.to_string()))?;
        Self::checked(serde_json::from_value(value).map_err(|e| syntax(e.to_string()))?)
    }

    fn checked(raw: RawModel) -> Result<Self, PackageError> {
        let program = PathBuf::from(&raw.program);
        let climbs = program.components().any(|part| matches!(part, Component::ParentDir));
        if raw.program.is_empty() || climbs || raw.program.starts_with("sha256:") {
            return Err(member(
                "program",
                "expected the path of a file, absolute or below the package, without `..`",
            ));
        }
        Ok(Self {
            model: Model::checked(raw)?,
            program,
        })
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Where the program lies, for a package file that lies in `folder`.
    #[must_use]
    pub fn program_path(&self, folder: &Path) -> PathBuf {
        folder.join(&self.program)
    }
}

impl Model {
    pub(crate) fn checked(raw: RawModel) -> Result<Self, PackageError> {
        if raw.format != FORMAT {
            return Err(member("format", format!("`{}`; expected `{FORMAT}`", raw.format)));
        }
        identifier(&raw.id).map_err(|why| member("id", why))?;
        identifier(&raw.version).map_err(|why| member("version", why))?;
        filled(&raw.title).map_err(|why| member("title", why))?;
        filled(&raw.licence.id).map_err(|why| member("licence.id", why))?;
        filled(&raw.environment.description).map_err(|why| member("environment.description", why))?;
        if let Some(argument) = raw.arguments.iter().find(|argument| argument.contains('\0')) {
            return Err(member(
                "arguments",
                format!("`{}` has a zero byte", argument.escape_debug()),
            ));
        }
        if raw.outputs.is_empty() {
            return Err(member("outputs", "expected at least one output"));
        }
        let most = raw.inputs.len().max(raw.outputs.len()).max(raw.parameters.len());
        if most > MAX_ITEMS {
            return Err(member(
                "inputs, parameters, outputs",
                format!("{most} of one sort; expected at most {MAX_ITEMS}"),
            ));
        }
        // Inputs and parameters are asked for in one object (OGC API - Processes 1.0, `inputs` of an execute request).
        let asked = raw
            .inputs
            .iter()
            .map(|port| &port.name)
            .chain(raw.parameters.iter().map(|one| &one.name));
        if asked.clone().any(|name| name == SEED) {
            return Err(member(
                "inputs or parameters",
                "`seed` is the seed's own name; choose another",
            ));
        }
        distinct(asked, "inputs or parameters")?;
        distinct(raw.outputs.iter().map(|port| &port.name), "outputs")?;
        distinct(raw.inputs.iter().map(|port| &port.file), "inputs")?;
        distinct(raw.outputs.iter().map(|port| &port.file), "outputs")?;
        for port in raw.inputs.iter().chain(&raw.outputs) {
            let wrong = |why: String| member(format!("`{}`", port.name), why);
            identifier(&port.file).map_err(|why| wrong(format!("file {why}")))?;
            filled(&port.title).map_err(|why| wrong(format!("title {why}")))?;
            media_type(&port.media_type).map_err(wrong)?;
        }
        let parameters = raw
            .parameters
            .iter()
            .map(|one| {
                filled(&one.title)
                    .map_err(|why| member(format!("parameter `{}`", one.name), format!("title {why}")))?;
                one.clone()
                    .parse()
                    .map_err(|why| member(format!("parameter `{}`", one.name), why))
            })
            .collect::<Result<Vec<_>, _>>()?;
        let raw = RawModel {
            program: String::new(),
            ..raw
        };
        Ok(Self {
            limits: raw.limits.check()?,
            canonicalisation: raw.canonicalisation.parse()?,
            parameters,
            raw,
        })
    }

    /// What is published of it: the package, with the program's digest in place of its path.
    pub(crate) fn published(&self, program_sha256: &str) -> RawModel {
        RawModel {
            program: format!("sha256:{program_sha256}"),
            ..self.raw.clone()
        }
    }

    /// The SHA-256 in what is published, 64 lower-case hex digits.
    pub(crate) fn published_program(raw: &RawModel) -> Result<String, PackageError> {
        match raw.program.strip_prefix("sha256:") {
            Some(digest) if digest.len() == 64 && digest.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) => {
                Ok(digest.to_owned())
            }
            _ => Err(member("program", "expected `sha256:` and 64 lower-case hex digits")),
        }
    }

    /// Its identifier, which all its versions share.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.raw.id
    }

    /// This version.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.raw.version
    }

    /// What people call it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.raw.title
    }

    /// What it computes; may be empty.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.raw.description
    }

    /// What the program is called with.
    #[must_use]
    pub fn arguments(&self) -> &[String] {
        &self.raw.arguments
    }

    /// How outputs of two runs are made alike before they are compared.
    #[must_use]
    pub fn canonicalisation(&self) -> Canonicalisation {
        self.canonicalisation
    }

    /// Whether its answer depends on a seed, which a run then has to name.
    #[must_use]
    pub fn uses_seed(&self) -> bool {
        self.raw.uses_seed
    }

    /// Under what terms the program is given on.
    #[must_use]
    pub fn licence(&self) -> &Licence {
        &self.raw.licence
    }

    /// What the program needs around it.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.raw.environment
    }

    /// How much of the machine a run may use.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What goes in.
    #[must_use]
    pub fn inputs(&self) -> &[Port] {
        &self.raw.inputs
    }

    /// What can be chosen.
    #[must_use]
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// What comes out.
    #[must_use]
    pub fn outputs(&self) -> &[Port] {
        &self.raw.outputs
    }

    /// The document whose SHA-256 `model-published` records as `environment` (docs/log-format.md, section 6), RFC 8785.
    ///
    /// # Errors
    /// When a text of the description has no canonical form, which strings always have.
    pub fn environment_document(&self) -> Result<Vec<u8>, json::JsonError> {
        json::canonical(&serde_json::json!({
            "format": "herleid-environment/1",
            "model": self.raw.id,
            "version": self.raw.version,
            "environment": self.raw.environment,
            "limits": self.limits,
            "sandbox": super::sandbox::describe(),
        }))
    }
}

/// `serde_json`'s value of what is published.
pub(crate) fn to_value(raw: &RawModel) -> Result<Value, PackageError> {
    serde_json::to_value(raw).map_err(|e| PackageError::Syntax { why: e.to_string() })
}

#[cfg(test)]
#[path = "package_tests.rs"]
mod tests;
