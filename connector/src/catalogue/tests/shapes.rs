//! The catalogue against the SHACL shapes of DCAT-AP-NL 3.0, by pySHACL.

use super::*;
use crate::catalogue::{DocumentFormat, Query, document, page};
use oxigraph::io::RdfFormat;
use oxigraph::sparql::{QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use std::io::Write as _;
use std::process::{Command, Output};

/// The Python that has pySHACL; without one, or without a network to fetch it over, says loudly that the test is skipped.
fn python(test: &str) -> Option<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/build/pyshacl.sh");
    let made = Command::new(script).output().unwrap();
    if made.status.success() {
        return Some(String::from_utf8(made.stdout).unwrap().trim().to_owned());
    }
    let why = String::from_utf8_lossy(&made.stderr);
    let why = why.trim().lines().last().unwrap_or_default().to_owned();
    // Past the test runner's capture, as `herleid_vocab::reference` does it.
    let mut out = std::io::stderr();
    out.write_all(format!("SKIPPED {test}: pySHACL cannot be had: {why}\n").as_bytes())
        .unwrap();
    None
}

fn validate(python: &str, shapes: &Path, file: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/shacl/validate.py");
    Command::new(python).arg(script).arg(shapes).arg(file).output().unwrap()
}

impl Desk {
    /// All that is published, as Turtle.
    async fn turtle(&self) -> String {
        let query = Query::new(&[], None, 1_000).unwrap();
        let body = page(&self.node.catalogue, &query).await.unwrap().body;
        let json = serde_json::from_str(&body).unwrap();
        let made = document(self.node.catalogue.describer(), &json, DocumentFormat::Turtle).unwrap();
        String::from_utf8(made).unwrap()
    }

    async fn publish_model(&self) {
        let folder = self.directory.path();
        std::fs::write(folder.join("program"), "#!/bin/sh\n").unwrap();
        let package = folder.join("model.toml");
        std::fs::write(&package, include_str!("model.toml")).unwrap();
        let body = json!({
            "source": {"model": package}, "id": "sewer", "theme": ["ENVI"],
            "policy": {"@type": "Offer", "permission": [{"action": "use", "constraint": [
                {"leftOperand": "purpose", "operator": "eq", "rightOperand": "https://w3id.org/dpv#PublicBenefit"}]}]},
            "metadata": {"access_rights": "public", "keyword": ["riool"]},
        });
        self.command("publish", body).await.unwrap();
    }
}

#[tokio::test]
async fn the_catalogue_fits_the_shapes_of_dcat_ap_nl() {
    let test = "the_catalogue_fits_the_shapes_of_dcat_ap_nl";
    let Some(shapes) = herleid_vocab::reference::find(test, "spec/dcat-ap-nl") else {
        return;
    };
    let Some(python) = python(test) else { return };
    for catalogue in [
        "",
        "publisher = \"HHNK\"\npublisher_type = \"regional\"\ncontact_email = \"data@hhnk.example\"\nlicence = \"https://l.example/\"",
    ] {
        let desk = Desk::open(catalogue);
        desk.published("rain", full()).await;
        desk.published("urn:knmi:snow", short("Sneeuw")).await;
        desk.publish_model().await;
        let file = desk.directory.path().join("catalogue.ttl");
        let turtle = desk.turtle().await;
        std::fs::write(&file, &turtle).unwrap();
        let told = validate(&python, &shapes, &file);
        let said = String::from_utf8_lossy(&told.stdout).into_owned() + &String::from_utf8_lossy(&told.stderr);
        assert!(
            told.status.success() && said.contains("0 violations"),
            "{said}\n{turtle}"
        );
        if catalogue.is_empty() {
            continue;
        }
        // The check can fail: without what is required, it does, by name.
        for required in [
            "dcat:contactPoint",
            "dct:accessRights",
            "dcat:theme",
            "dct:publisher",
            "dct:license",
            "dct:description",
        ] {
            let without = turtle.replace(&format!("{required} "), "<urn:nothing> ");
            assert_ne!(without, turtle, "{required}");
            std::fs::write(&file, without).unwrap();
            let told = validate(&python, &shapes, &file);
            let name = required.split_once(':').unwrap().1;
            let said = String::from_utf8_lossy(&told.stdout).into_owned();
            assert!(
                told.status.code() == Some(1) && said.contains(name),
                "{required}: {said}"
            );
        }
    }
}

#[tokio::test]
async fn whence_how_good_where_and_by_whom_stand_in_the_rdf() {
    let desk = Desk::open("");
    desk.published("rain", full()).await;
    let turtle = desk.turtle().await;
    let store = Store::new().unwrap();
    store.load_from_slice(RdfFormat::Turtle, turtle.as_bytes()).unwrap();
    for said in [
        "dct:provenance [ a dct:ProvenanceStatement ; rdfs:label ?x ] FILTER(STR(?x) = 'Gemeten met een regenmeter; gevalideerd door het KNMI.')",
        "dqv:hasQualityAnnotation [ a dqv:QualityAnnotation ; oa:motivatedBy dqv:qualityAssessment ; oa:hasBody [ rdf:value ?x ] ] \
         FILTER(STR(?x) = 'Onzekerheid 0,2 mm; geen ontbrekende uren.')",
        "dct:spatial [ a dct:Location ; skos:prefLabel ?x ; dcat:bbox ?box ] \
         FILTER(STR(?x) = 'Vlissingen' && STRSTARTS(STR(?box), 'POLYGON((3.52 51.42,'))",
        "dct:creator [ a foaf:Agent ; foaf:name ?x ] FILTER(STR(?x) = 'Meetdienst')",
    ] {
        let query = format!(
            "PREFIX dct: <http://purl.org/dc/terms/> PREFIX dcat: <http://www.w3.org/ns/dcat#> \
             PREFIX dqv: <http://www.w3.org/ns/dqv#> PREFIX oa: <http://www.w3.org/ns/oa#> \
             PREFIX foaf: <http://xmlns.com/foaf/0.1/> PREFIX skos: <http://www.w3.org/2004/02/skos/core#> \
             PREFIX rdf: <http://www.w3.org/1999/02/22-rdf-syntax-ns#> PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#> \
             ASK {{ ?d a dcat:Dataset ; {said} }}"
        );
        let query = SparqlEvaluator::new().parse_query(&query).unwrap();
        let QueryResults::Boolean(stands) = query.on_store(&store).execute().unwrap() else {
            panic!("not an answer of yes or no");
        };
        assert!(stands, "{said}\n{turtle}");
    }
}
