//! What the page says. Dutch sentences are short, with everyday words.

use super::NotThere;
use super::page::{Cell, Page};
use crate::case::{Case, Run};
use crate::verify::{Language, moment};
use herleid_ledger::exchange::Subject;
use serde_json::Value;

pub(super) fn write(page: &mut Page, case: &Case, missing: &[NotThere], made_ms: u64, language: Language) {
    let pick = |english, nederlands| language.pick(english, nederlands);
    page.paragraph(pick(
        "This page tells how a decision came about: which data were used, which models ran, and who decided.",
        "Op deze pagina leest u hoe een besluit tot stand kwam: welke gegevens zijn gebruikt, welke modellen zijn gebruikt en wie besloot.",
    ));
    decision(page, case, language);
    page.heading(2, pick("The model runs", "De berekeningen"));
    if case.runs.is_empty() {
        page.paragraph(pick("No runs are recorded.", "Er zijn geen berekeningen vastgelegd."));
    }
    for (n, run) in case.runs.values().enumerate() {
        self::run(page, case, run, n + 1, language);
    }
    pulls(page, case, language);
    agreements(page, case, language);
    absent(page, missing, language);
    checking(page, made_ms, language);
}

fn decision(page: &mut Page, case: &Case, language: Language) {
    let pick = |english, nederlands| language.pick(english, nederlands);
    page.heading(2, pick("The decision", "Het besluit"));
    let Some(decision) = &case.decision else {
        page.paragraph(pick("The decision is not opened.", "Het besluit is niet geopend."));
        return;
    };
    let when = decision.recorded_ms.map(moment).unwrap_or_default();
    let organisation = case.name_of(decision.party.as_str());
    let mut rows = vec![
        vec![Cell::Text(pick("Case", "Zaak")), Cell::Text(&decision.facts.case)],
        vec![
            Cell::Text(pick("Subject", "Onderwerp")),
            Cell::Text(&decision.facts.title),
        ],
        vec![Cell::Text(pick("Recorded", "Vastgelegd")), Cell::Text(&when)],
        vec![
            Cell::Text(pick("By the organisation", "Door de organisatie")),
            Cell::Text(organisation),
        ],
    ];
    match &decision.author {
        Some(author) => rows.extend([
            vec![Cell::Text(pick("By", "Door")), Cell::Text(&author.name)],
            vec![
                Cell::Text(pick("In the role of", "In de rol van")),
                Cell::Text(&author.role),
            ],
            vec![
                Cell::Text(pick("Working for", "Werkt voor")),
                Cell::Text(&author.organisation),
            ],
        ]),
        None => rows.push(vec![
            Cell::Text(pick("By", "Door")),
            Cell::Text(pick("not opened", "niet geopend")),
        ]),
    }
    for basis in &decision.facts.legal_basis {
        rows.push(vec![
            Cell::Text(pick("Legal basis", "Wettelijke grondslag")),
            Cell::Code(basis),
        ]);
    }
    rows.push(vec![
        Cell::Text(pick(
            "Choices that people made, and why",
            "Keuzes die mensen maakten, en waarom",
        )),
        Cell::Text(&decision.facts.choices),
    ]);
    let columns = [pick("What", "Wat"), pick("Value", "Waarde")];
    page.table(pick("The decision", "Het besluit"), &columns, &rows);
    let rows: Vec<Vec<Cell<'_>>> = decision
        .facts
        .relies_on
        .iter()
        .map(|relied| {
            vec![
                Cell::Text(case.title_of_relied(relied)),
                Cell::Code(&relied.transaction),
                Cell::Code(&relied.sha256),
            ]
        })
        .collect();
    page.table(
        pick(
            "Outputs and data that the decision relies on",
            "Uitkomsten en gegevens waarop het besluit rust",
        ),
        &[
            pick("Output or data", "Uitkomst of gegevens"),
            pick("Run or delivery", "Berekening of levering"),
            "SHA-256",
        ],
        &rows,
    );
}

fn run(page: &mut Page, case: &Case, run: &Run, number: usize, language: Language) {
    let pick = |english, nederlands| language.pick(english, nederlands);
    let title = case.title_of(&run.model, &run.version);
    page.heading(3, &format!("{} {number}: {title}", pick("Run", "Berekening")));
    let unknown = pick("not opened", "niet geopend");
    let name = |did: Option<&herleid_vocab::did::Did>| did.map_or(unknown, |did| case.name_of(did.as_str())).to_owned();
    let (by, asked) = (name(run.provider.as_ref()), name(run.consumer.as_ref()));
    let when = run.recorded_ms.map(|(first, _)| moment(first)).unwrap_or_default();
    let (seed, program) = (plain(&run.seed), run.program.clone().unwrap_or_default());
    let mut rows = vec![
        vec![Cell::Text(pick("Model", "Model")), Cell::Code(&run.model)],
        vec![Cell::Text(pick("Version", "Versie")), Cell::Text(&run.version)],
        vec![Cell::Text(pick("Run by", "Uitgevoerd door")), Cell::Text(&by)],
        vec![Cell::Text(pick("Asked for by", "Gevraagd door")), Cell::Text(&asked)],
        vec![
            Cell::Text(pick("First recorded", "Eerst vastgelegd")),
            Cell::Text(&when),
        ],
        vec![
            Cell::Text(pick("Result", "Resultaat")),
            Cell::Text(status(&run.status, language)),
        ],
        vec![
            Cell::Text(pick("Program (SHA-256)", "Programma (SHA-256)")),
            Cell::Code(&program),
        ],
        vec![
            Cell::Text(pick("Transaction", "Transactie")),
            Cell::Code(&run.transaction),
        ],
    ];
    if !run.seed.is_null() {
        rows.push(vec![Cell::Text(pick("Seed", "Startwaarde (seed)")), Cell::Text(&seed)]);
    }
    if let Some(reason) = &run.reason {
        rows.push(vec![
            Cell::Text(pick("Why it failed", "Waarom het mislukte")),
            Cell::Text(reason),
        ]);
    }
    let columns = [pick("What", "Wat"), pick("Value", "Waarde")];
    page.table(&format!("{} {number}", pick("Run", "Berekening")), &columns, &rows);

    let sources: Vec<String> = run
        .inputs
        .iter()
        .map(|input| match case.source_of(input) {
            Some(did) => case.name_of(did.as_str()).to_owned(),
            None => pick("its own data", "eigen gegevens").to_owned(),
        })
        .collect();
    let rows: Vec<Vec<Cell<'_>>> = run
        .inputs
        .iter()
        .zip(&sources)
        .map(|(input, source)| {
            vec![
                Cell::Text(&input.name),
                Cell::Text(case.title_of_input(input)),
                Cell::Text(input.version.as_deref().unwrap_or_default()),
                Cell::Text(source),
                Cell::Code(&input.sha256),
            ]
        })
        .collect();
    page.table(
        &format!("{} {number}", pick("Inputs of run", "Invoer van berekening")),
        &[
            pick("Input", "Invoer"),
            pick("Data", "Gegevens"),
            pick("Version", "Versie"),
            pick("From", "Van"),
            "SHA-256",
        ],
        &rows,
    );
    let values: Vec<String> = run.parameters.values().map(plain).collect();
    let rows: Vec<Vec<Cell<'_>>> = run
        .parameters
        .keys()
        .zip(&values)
        .map(|(name, value)| vec![Cell::Text(name), Cell::Text(value)])
        .collect();
    page.table(
        &format!(
            "{} {number}",
            pick(
                "Settings of run, defaults included,",
                "Instellingen, ook de standaardwaarden, van berekening"
            )
        ),
        &[pick("Setting", "Instelling"), pick("Value", "Waarde")],
        &rows,
    );
    let rows: Vec<Vec<Cell<'_>>> = run
        .outputs
        .iter()
        .map(|output| vec![Cell::Text(&output.name), Cell::Code(&output.sha256)])
        .collect();
    page.table(
        &format!("{} {number}", pick("Outputs of run", "Uitkomsten van berekening")),
        &[pick("Output", "Uitkomst"), "SHA-256"],
        &rows,
    );
}

fn status(status: &str, language: Language) -> &str {
    match status {
        "finished" => language.pick("finished", "klaar"),
        "failed" => language.pick("failed", "mislukt"),
        "started" => language.pick("started, end not recorded", "begonnen, einde niet vastgelegd"),
        "requested" => language.pick("asked for, start not recorded", "gevraagd, begin niet vastgelegd"),
        other => other,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn pulls(page: &mut Page, case: &Case, language: Language) {
    let pick = |english, nederlands| language.pick(english, nederlands);
    page.heading(2, pick("Data passed on", "Gegevens die zijn doorgegeven"));
    let times: Vec<(String, String)> = case
        .pulls
        .values()
        .map(|pull| (pull.recorded_ms.map(moment).unwrap_or_default(), pull.bytes.to_string()))
        .collect();
    let rows: Vec<Vec<Cell<'_>>> = case
        .pulls
        .values()
        .zip(&times)
        .map(|(pull, (when, bytes))| {
            let (id, version) = match &pull.subject {
                Subject::Dataset { dataset, version } => (dataset, version),
                Subject::Model { model, version } => (model, version),
            };
            vec![
                Cell::Text(case.title_of(id, version)),
                Cell::Text(version),
                Cell::Text(case.name_of(pull.provider.as_str())),
                Cell::Text(case.name_of(pull.consumer.as_str())),
                Cell::Text(when),
                Cell::Text(bytes),
                Cell::Code(&pull.agreement),
            ]
        })
        .collect();
    page.table(
        pick("Who gave which data to whom", "Wie gaf welke gegevens aan wie"),
        &[
            pick("Data", "Gegevens"),
            pick("Version", "Versie"),
            pick("From", "Van"),
            pick("To", "Aan"),
            pick("Recorded", "Vastgelegd"),
            pick("Bytes", "Bytes"),
            pick("Agreement", "Afspraak"),
        ],
        &rows,
    );
}

fn agreements(page: &mut Page, case: &Case, language: Language) {
    let pick = |english, nederlands| language.pick(english, nederlands);
    page.heading(2, pick("Agreements", "Afspraken"));
    let times: Vec<String> = case
        .agreements
        .values()
        .map(|a| a.recorded_ms.map(moment).unwrap_or_default())
        .collect();
    let rows: Vec<Vec<Cell<'_>>> = case
        .agreements
        .values()
        .zip(&times)
        .map(|(agreement, when)| {
            vec![
                Cell::Code(&agreement.id),
                Cell::Text(case.name_of(&agreement.provider)),
                Cell::Text(case.name_of(&agreement.consumer)),
                Cell::Text(when),
                Cell::Code(&agreement.policy),
            ]
        })
        .collect();
    page.table(
        pick(
            "Agreements under which data and models were used",
            "Afspraken waaronder gegevens en modellen zijn gebruikt",
        ),
        &[
            pick("Agreement", "Afspraak"),
            pick("Offered by", "Aangeboden door"),
            pick("Used by", "Gebruikt door"),
            pick("Recorded", "Vastgelegd"),
            pick("Conditions (SHA-256)", "Voorwaarden (SHA-256)"),
        ],
        &rows,
    );
}

fn absent(page: &mut Page, missing: &[NotThere], language: Language) {
    let pick = |english, nederlands| language.pick(english, nederlands);
    page.heading(2, pick("What is not in this file", "Wat niet in dit bestand zit"));
    if missing.is_empty() {
        page.paragraph(pick(
            "The party that made this file says that nothing was left out.",
            "De partij die dit bestand maakte, zegt dat er niets is weggelaten.",
        ));
        return;
    }
    let rows: Vec<Vec<Cell<'_>>> = missing
        .iter()
        .map(|item| {
            vec![
                Cell::Code(&item.id),
                Cell::Text(&item.what),
                Cell::Text(&item.why),
                Cell::Text(&item.explanation),
            ]
        })
        .collect();
    page.table(
        pick("Left out, and why", "Weggelaten, en waarom"),
        &[
            pick("Id", "Kenmerk"),
            pick("What", "Wat"),
            pick("Why", "Waarom"),
            pick("Explanation", "Uitleg"),
        ],
        &rows,
    );
}

fn checking(page: &mut Page, made_ms: u64, language: Language) {
    let pick = |english, nederlands| language.pick(english, nederlands);
    page.heading(2, pick("How to check this", "Hoe controleert u dit?"));
    let when = moment(made_ms);
    page.paragraph(&format!(
        "{} {when}. {}",
        pick("This page was made on", "Deze pagina is gemaakt op"),
        pick(
            "It was made by the party that also made the file. Do not believe it because it stands here: check the file with \
             a verifier and with keys that you got elsewhere.",
            "De partij die het bestand maakte, maakte ook deze pagina. Geloof de pagina niet zomaar: controleer het bestand \
             met een controleprogramma en met sleutels die u ergens anders hebt gekregen.",
        ),
    ));
    page.paragraph(pick("No check can find out:", "Geen enkele controle kan ontdekken:"));
    page.list(&[
        pick(
            "runs that somebody made on a computer of their own and did not record;",
            "berekeningen die iemand op een eigen computer maakte en niet vastlegde;",
        ),
        pick(
            "data that were already wrong at their source;",
            "gegevens die bij de bron al fout waren;",
        ),
        pick(
            "what both ends of an exchange recorded falsely together.",
            "wat beide partijen samen onjuist vastlegden.",
        ),
    ]);
}
