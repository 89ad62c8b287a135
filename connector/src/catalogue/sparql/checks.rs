//! What a query may not have: brackets too deep, before it is parsed; other graphs and other ends, once it is.

use super::QueryError;
use spargebra::Query;
use spargebra::algebra::{AggregateExpression, Expression, GraphPattern, OrderExpression};

/// How deep brackets may stand in one another. People write ten.
pub(super) const DEPTH: usize = 100;

/// Refuses a query whose brackets stand too deep in one another: the parser calls itself for each of them.
///
/// # Errors
/// [`QueryError::TooDeep`].
pub(super) fn check_depth(query: &str) -> Result<(), QueryError> {
    let mut depth = 0_usize;
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let skipped = match first {
            '#' => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '<' => iri_length(rest).unwrap_or(1),
            '"' | '\'' => text_length(rest, first),
            '{' | '(' | '[' => {
                depth += 1;
                1
            }
            '}' | ')' | ']' => {
                depth = depth.saturating_sub(1);
                1
            }
            // In a name it makes of the next sign a letter.
            '\\' => 1 + rest.chars().nth(1).map_or(0, char::len_utf8),
            other => other.len_utf8(),
        };
        if depth > DEPTH {
            return Err(QueryError::TooDeep);
        }
        rest = rest.get(skipped..).unwrap_or_default();
    }
    Ok(())
}

/// The length of the IRI that begins here; `None` if this is the sign for "less than".
fn iri_length(text: &str) -> Option<usize> {
    let end = text.find('>')?;
    let inner = text.get(1..end)?;
    let forbidden = |c: char| c.is_whitespace() || "<\"{}|^`".contains(c);
    (!inner.contains(forbidden)).then_some(end + 1)
}

/// The length of the text that begins here, with its quotes: three of them, or one.
fn text_length(text: &str, quote: char) -> usize {
    let three: String = std::iter::repeat_n(quote, 3).collect();
    let long = text.starts_with(&three);
    let quotes = if long { 3 } else { 1 };
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(quotes) {
        let closes = !escaped
            && if long {
                text.get(at..).is_some_and(|t| t.starts_with(&three))
            } else {
                c == quote
            };
        if closes {
            return at + quotes;
        }
        escaped = c == '\\' && !escaped;
    }
    text.len()
}

/// A part of a query that is still to be looked at.
enum Part<'a> {
    Pattern(&'a GraphPattern),
    Expression(&'a Expression),
}

/// Refuses what asks other ends or other graphs.
///
/// # Errors
/// [`QueryError::Service`], [`QueryError::Graph`].
pub(in crate::catalogue) fn check_parts(query: &Query) -> Result<(), QueryError> {
    if query.dataset().is_some() {
        return Err(QueryError::Graph("FROM".into()));
    }
    let (Query::Select { pattern, .. }
    | Query::Construct { pattern, .. }
    | Query::Describe { pattern, .. }
    | Query::Ask { pattern, .. }) = query;
    // A list instead of calls: a query can be as deep as it is long.
    let mut parts = vec![Part::Pattern(pattern)];
    while let Some(part) = parts.pop() {
        match part {
            Part::Pattern(pattern) => of_pattern(pattern, &mut parts)?,
            Part::Expression(expression) => of_expression(expression, &mut parts),
        }
    }
    Ok(())
}

fn of_pattern<'a>(pattern: &'a GraphPattern, parts: &mut Vec<Part<'a>>) -> Result<(), QueryError> {
    use GraphPattern as P;
    match pattern {
        P::Service { .. } => return Err(QueryError::Service),
        P::Graph { .. } => return Err(QueryError::Graph("GRAPH".into())),
        P::Bgp { .. } | P::Path { .. } | P::Values { .. } => {}
        P::Join { left, right } | P::Lateral { left, right } | P::Union { left, right } | P::Minus { left, right } => {
            parts.extend([Part::Pattern(left), Part::Pattern(right)])
        }
        P::LeftJoin {
            left,
            right,
            expression,
        } => {
            parts.extend([Part::Pattern(left), Part::Pattern(right)]);
            parts.extend(expression.as_ref().map(Part::Expression));
        }
        P::Filter { expr, inner } => parts.extend([Part::Expression(expr), Part::Pattern(inner)]),
        P::Extend { inner, expression, .. } => parts.extend([Part::Expression(expression), Part::Pattern(inner)]),
        P::OrderBy { inner, expression } => {
            parts.push(Part::Pattern(inner));
            parts.extend(expression.iter().map(|by| match by {
                OrderExpression::Asc(e) | OrderExpression::Desc(e) => Part::Expression(e),
            }));
        }
        P::Project { inner, .. } | P::Distinct { inner } | P::Reduced { inner } | P::Slice { inner, .. } => {
            parts.push(Part::Pattern(inner));
        }
        P::Group { inner, aggregates, .. } => {
            parts.push(Part::Pattern(inner));
            parts.extend(aggregates.iter().filter_map(|(_, aggregate)| match aggregate {
                AggregateExpression::FunctionCall { expr, .. } => Some(Part::Expression(expr)),
                AggregateExpression::CountSolutions { .. } => None,
            }));
        }
    }
    Ok(())
}

fn of_expression<'a>(expression: &'a Expression, parts: &mut Vec<Part<'a>>) {
    use Expression as E;
    match expression {
        E::NamedNode(_) | E::Literal(_) | E::Variable(_) | E::Bound(_) => {}
        E::Or(a, b)
        | E::And(a, b)
        | E::Equal(a, b)
        | E::SameTerm(a, b)
        | E::Greater(a, b)
        | E::GreaterOrEqual(a, b)
        | E::Less(a, b)
        | E::LessOrEqual(a, b)
        | E::Add(a, b)
        | E::Subtract(a, b)
        | E::Multiply(a, b)
        | E::Divide(a, b) => parts.extend([Part::Expression(a), Part::Expression(b)]),
        E::UnaryPlus(a) | E::UnaryMinus(a) | E::Not(a) => parts.push(Part::Expression(a)),
        E::If(a, b, c) => parts.extend([a, b, c].map(|e| Part::Expression(e))),
        E::In(a, all) => {
            parts.push(Part::Expression(a));
            parts.extend(all.iter().map(Part::Expression));
        }
        E::Coalesce(all) | E::FunctionCall(_, all) => parts.extend(all.iter().map(Part::Expression)),
        E::Exists(pattern) => parts.push(Part::Pattern(pattern)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spargebra::SparqlParser;

    #[test]
    fn other_ends_and_other_graphs_are_refused_wherever_they_stand() {
        for (query, refused) in [
            (
                "SELECT * { SERVICE <https://x.example/> { ?s ?p ?o } }",
                Some("SERVICE"),
            ),
            ("SELECT * { SERVICE?x { ?s ?p ?o } }", Some("SERVICE")),
            (
                "SELECT * { SERVICESILENT<https://x.example/> { ?s ?p ?o } }",
                Some("SERVICE"),
            ),
            (
                "SELECT * { ?s ?p ?o FILTER EXISTS { SERVICE SILENT ?x { ?s ?p ?o } } }",
                Some("SERVICE"),
            ),
            (
                "SELECT (COUNT(IF(EXISTS { SERVICE ?x { ?s ?p ?o } }, 1, 2)) AS ?n) { ?s ?p ?o }",
                Some("SERVICE"),
            ),
            (
                "SELECT * { ?s ?p ?o } ORDER BY (EXISTS { GRAPH ?g { ?s ?p ?o } })",
                Some("GRAPH"),
            ),
            (
                "SELECT * { ?s ?p ?o OPTIONAL { { SELECT * { GRAPH <urn:g> { ?s ?p ?o } } } } }",
                Some("GRAPH"),
            ),
            (
                "SELECT * { ?s ?p ?o BIND(COALESCE(1, EXISTS { GRAPH ?g {} }) AS ?x) }",
                Some("GRAPH"),
            ),
            ("SELECT * FROM <urn:g> { ?s ?p ?o }", Some("FROM")),
            ("CONSTRUCT { ?s ?p ?o } FROM NAMED <urn:g> { ?s ?p ?o }", Some("FROM")),
            ("DESCRIBE <urn:a> FROM <urn:g>", Some("FROM")),
            (
                "SELECT ?service { ?service a <https://x.example/SERVICE> ; ?p 'GRAPH FROM' } # SERVICE",
                None,
            ),
            (
                "SELECT (COUNT(*) AS ?n) { { ?s ?p ?o } UNION { ?s ?p 1 } MINUS { ?s ?p 2 } VALUES ?p { 3 } } GROUP BY ?s HAVING (?n > 1)",
                None,
            ),
        ] {
            let parsed = SparqlParser::new().parse_query(query);
            let parsed = parsed.unwrap_or_else(|e| panic!("{query}: {e}"));
            let found = check_parts(&parsed).err().map(|e| e.to_string());
            match refused {
                Some(word) => assert!(found.as_ref().is_some_and(|f| f.contains(word)), "{query}: {found:?}"),
                None => assert_eq!(found, None, "{query}"),
            }
        }
    }

    #[test]
    fn brackets_count_where_they_are_brackets() {
        let nested = |n: usize| format!("ASK {}{}", "{".repeat(n), "}".repeat(n));
        assert!(check_depth(&nested(DEPTH)).is_ok());
        assert!(matches!(check_depth(&nested(DEPTH + 1)), Err(QueryError::TooDeep)));
        for open in ["(", "[", "{(["] {
            assert!(
                check_depth(&format!("ASK {{ {}", open.repeat(DEPTH))).is_err(),
                "{open}"
            );
        }
        let many = "(".repeat(2 * DEPTH);
        for harmless in [
            format!("ASK {{ ?s ?p \"{many}\" }}"),
            format!("ASK {{ ?s ?p '''a'b{many}''' }}"),
            format!("ASK {{}} # {many}"),
            format!("ASK {{ ?s ?p <urn:{many}> }}"),
            format!("ASK {{ ?s ?p ex:{} }}", "\\(".repeat(2 * DEPTH)),
            "() ".repeat(2 * DEPTH),
        ] {
            assert!(check_depth(&harmless).is_ok(), "{harmless}");
        }
        // The sign for "less than" begins no IRI.
        assert!(check_depth(&format!("ASK {{ FILTER(1 < {many}1 > 2")).is_err());
    }
}
