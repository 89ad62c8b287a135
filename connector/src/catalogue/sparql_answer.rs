//! One query over the store: evaluated within bounds, its answer in a format that the caller takes.

use super::rdf::serializer;
use super::sparql::{ANSWER_BYTES, ANSWER_ROWS, Answered, Asked, QueryError, check_parts};
use oxigraph::io::{JsonLdProfileSet, RdfFormat};
use oxigraph::sparql::results::{QueryResultsFormat, QueryResultsSerializer};
use oxigraph::sparql::{CancellationToken, QueryEvaluationError, QueryResults, SparqlEvaluator};
use oxigraph::store::Store;
use spargebra::SparqlParser;
use std::io::{self, Write};

pub(super) fn evaluate(store: &Store, asked: &Asked, stop: &CancellationToken) -> Result<Answered, QueryError> {
    let query = SparqlParser::new()
        .parse_query(&asked.query)
        .map_err(|e| syntax(&asked.query, &e.to_string()))?;
    // Under `SERVICE SILENT` an evaluation would go on with nothing, and an empty graph gives no rows: both look like an answer.
    check_parts(&query)?;
    let evaluator = SparqlEvaluator::new().with_cancellation_token(stop.clone());
    let prepared = evaluator.for_query(query);
    match prepared.on_store(store).execute().map_err(|e| evaluation(&e))? {
        QueryResults::Solutions(rows) => {
            let format = select_format(asked)?;
            let serializer = QueryResultsSerializer::from_format(format);
            let mut writer = serializer.serialize_solutions_to_writer(Bounded::default(), rows.variables().to_vec())?;
            for (n, row) in rows.enumerate() {
                if n == ANSWER_ROWS {
                    return Err(QueryError::TooMuch);
                }
                writer.serialize(&row.map_err(|e| evaluation(&e))?)?;
            }
            written(format.media_type(), writer.finish()?)
        }
        QueryResults::Boolean(truth) => {
            let format = select_format(asked)?;
            let serializer = QueryResultsSerializer::from_format(format);
            written(
                format.media_type(),
                serializer.serialize_boolean_to_writer(Bounded::default(), truth)?,
            )
        }
        QueryResults::Graph(triples) => {
            let format = graph_format(asked)?;
            let mut writer = serializer(format).for_writer(Bounded::default());
            for (n, triple) in triples.enumerate() {
                if n == ANSWER_ROWS {
                    return Err(QueryError::TooMuch);
                }
                writer.serialize_triple(&triple.map_err(|e| evaluation(&e))?)?;
            }
            written(format.media_type(), writer.finish()?)
        }
    }
}

fn written(media_type: &str, body: Bounded) -> Result<Answered, QueryError> {
    Ok(Answered {
        media_type: media_type.to_owned(),
        body: body.0,
    })
}

fn syntax(query: &str, why: &str) -> QueryError {
    // What changes something is no mistake of spelling, and deserves to be told so.
    if SparqlParser::new().parse_update(query).is_ok() {
        return QueryError::Syntax("it would change something, and this endpoint only answers questions".to_owned());
    }
    QueryError::Syntax(why.chars().filter(|c| !c.is_control()).take(500).collect())
}

fn evaluation(error: &QueryEvaluationError) -> QueryError {
    match error {
        QueryEvaluationError::Cancelled => QueryError::Timeout,
        other => QueryError::Evaluation(other.to_string()),
    }
}

/// Bytes up to a limit.
#[derive(Default)]
struct Bounded(Vec<u8>);

impl Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > ANSWER_BYTES {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, "too much"));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl From<io::Error> for QueryError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::FileTooLarge => Self::TooMuch,
            _ => Self::Internal(error.to_string()),
        }
    }
}

/// The media types of an `Accept` header, most wanted first.
fn accepted(header: &str) -> Vec<String> {
    let mut all: Vec<(f32, String)> = header
        .split(',')
        .filter_map(|item| {
            let mut parts = item.split(';').map(str::trim);
            let name = parts.next()?.to_lowercase();
            let quality = parts.find_map(|p| p.strip_prefix("q=")?.parse().ok()).unwrap_or(1.0);
            (quality > 0.0 && !name.is_empty()).then_some((quality, name))
        })
        .collect();
    all.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    all.into_iter().map(|(_, name)| name).collect()
}

fn choose<F: Copy>(asked: &Asked, known: &[(&str, F)], default: F, expected: &'static str) -> Result<F, QueryError> {
    let Some(header) = asked.accept.as_deref().filter(|h| !h.trim().is_empty()) else {
        return Ok(default);
    };
    for wanted in accepted(header) {
        if wanted == "*/*" {
            return Ok(default);
        }
        let range = wanted.strip_suffix('*');
        let fits = |name: &str| range.map_or(name == wanted, |range| name.starts_with(range));
        if let Some((_, format)) = known.iter().find(|(name, _)| fits(name)) {
            return Ok(*format);
        }
    }
    Err(QueryError::NotAcceptable(
        header.chars().take(120).collect(),
        expected.into(),
    ))
}

fn select_format(asked: &Asked) -> Result<QueryResultsFormat, QueryError> {
    let known = [
        ("application/sparql-results+json", QueryResultsFormat::Json),
        ("application/json", QueryResultsFormat::Json),
        ("application/sparql-results+xml", QueryResultsFormat::Xml),
        ("application/xml", QueryResultsFormat::Xml),
        ("text/csv", QueryResultsFormat::Csv),
        ("text/tab-separated-values", QueryResultsFormat::Tsv),
    ];
    let expected =
        "application/sparql-results+json, application/sparql-results+xml, text/csv or text/tab-separated-values";
    choose(asked, &known, QueryResultsFormat::Json, expected)
}

fn graph_format(asked: &Asked) -> Result<RdfFormat, QueryError> {
    let json_ld = RdfFormat::JsonLd {
        profile: JsonLdProfileSet::empty(),
    };
    let known = [
        ("text/turtle", RdfFormat::Turtle),
        ("application/n-triples", RdfFormat::NTriples),
        ("application/ld+json", json_ld),
        ("application/json", json_ld),
        ("application/rdf+xml", RdfFormat::RdfXml),
        ("application/xml", RdfFormat::RdfXml),
    ];
    let expected = "text/turtle, application/n-triples, application/ld+json or application/rdf+xml";
    choose(asked, &known, RdfFormat::Turtle, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_the_most_wanted_that_there_is() {
        let format = |accept: &str| {
            let asked = Asked {
                query: String::new(),
                accept: Some(accept.to_owned()),
            };
            select_format(&asked).map(|f| f.media_type().to_owned())
        };
        assert_eq!(
            format("text/html, */*;q=0.1").unwrap(),
            "application/sparql-results+json"
        );
        assert_eq!(
            format("text/csv;q=0.5, application/sparql-results+xml").unwrap(),
            "application/sparql-results+xml"
        );
        assert!(format("text/*").unwrap().starts_with("text/csv"));
        let refused = format("text/html").unwrap_err().to_string();
        assert!(
            refused.contains("text/html") && refused.contains("sparql-results+json"),
            "{refused}"
        );
    }
}
