//! Names of vocabularies that more than one part of Herleid uses.

/// JSON-LD context of the Dataspace Protocol 2025-1.
pub const DSP_CONTEXT: &str = "https://w3id.org/dspace/2025/1/context.jsonld";
/// JSON-LD context of the Decentralized Claims Protocol 1.0.
pub const DCP_CONTEXT: &str = "https://w3id.org/dspace-dcp/v1.0/dcp.jsonld";
/// Namespace of ODRL 2.2.
pub const ODRL: &str = "http://www.w3.org/ns/odrl/2/";
/// Namespace of PROV-O.
pub const PROV: &str = "http://www.w3.org/ns/prov#";
/// Namespace of the Data Privacy Vocabulary.
pub const DPV: &str = "https://w3id.org/dpv#";
/// Namespace of DCAT.
pub const DCAT: &str = "http://www.w3.org/ns/dcat#";
/// Namespace of Dublin Core terms.
pub const DCT: &str = "http://purl.org/dc/terms/";
/// Our own ontology.
pub const HERLEID: &str = "https://w3id.org/herleid/ns#";
