//! The sentences, each in English and in Dutch side by side.

use super::named::{operand, operator};
use super::{Language, Point};
use crate::facts::{EnforcedBy, Fact, Request};
use crate::problem::{ProblemKind, visible};
use crate::purpose;
use crate::record::{DecisionRecord, Failing, Fixer, Mode, Obstacle, Reason, RecordedProblem};
use crate::truth::Truth;
use herleid_vocab::terms::ODRL;

pub(super) fn say(language: Language, english: impl Into<String>, dutch: impl Into<String>) -> String {
    // Sentences quote what peers wrote.
    match language {
        Language::English => visible(&english.into()),
        Language::Dutch => visible(&dutch.into()),
    }
}

/// Local name of an ODRL action, or the text itself.
fn action_name(iri: &str) -> &str {
    iri.strip_prefix(ODRL).unwrap_or(iri)
}

pub(super) fn stranger(request: &Request, language: Language) -> String {
    let (action, target, assigner) = (action_name(&request.action), &request.target, &request.assigner);
    say(
        language,
        format!("Refused: you have no agreement that lets you `{action}` `{target}`. Ask `{assigner}` for one."),
        format!(
            "Geweigerd: u hebt geen overeenkomst waarmee u `{target}` mag gebruiken voor de handeling `{action}`. \
             Vraag `{assigner}` om een overeenkomst."
        ),
    )
}

pub(super) fn headline(record: &DecisionRecord, language: Language) -> String {
    let request = &record.request;
    let (who, action, target) = (&request.assignee, action_name(&request.action), &request.target);
    let weighed = match (record.mode, record.reason) {
        (Mode::WouldGrant, Reason::Granted) => say(
            language,
            " This is what the offer would give once it is agreed; nothing has been granted yet.",
            " Dit geldt pas als het aanbod een overeenkomst is; er is nog niets toegestaan.",
        ),
        (Mode::WouldGrant, _) => say(
            language,
            " The offer was weighed as if it were an agreement.",
            " Het aanbod is gewogen alsof het een overeenkomst was.",
        ),
        (Mode::Decide, _) => String::new(),
    };
    let sentence = match record.reason {
        Reason::Granted => say(
            language,
            format!("Permitted: `{who}` may `{action}` `{target}`."),
            format!("Toegestaan: `{who}` mag `{target}` gebruiken voor de handeling `{action}`."),
        ),
        Reason::NotGranted => say(
            language,
            format!("Refused: no permission lets `{who}` `{action}` `{target}`."),
            format!("Geweigerd: geen toestemming laat `{who}` de handeling `{action}` doen met `{target}`."),
        ),
        Reason::Prohibited => say(
            language,
            format!("Refused: a prohibition forbids `{who}` to `{action}` `{target}`."),
            format!("Geweigerd: een verbod geldt voor `{who}`, de handeling `{action}` en `{target}`."),
        ),
        Reason::Conflict => say(
            language,
            "Refused: a permission and a prohibition of this policy both apply, which makes the policy void.",
            "Geweigerd: een toestemming en een verbod van deze afspraken gelden tegelijk. Daardoor gelden de afspraken niet.",
        ),
        Reason::OnlyAnOffer => say(
            language,
            "Refused: this is an offer. An offer permits nothing; only an agreement does.",
            "Geweigerd: dit is een aanbod. Een aanbod staat niets toe; dat doet alleen een overeenkomst.",
        ),
        Reason::NotUnderstood => say(
            language,
            "Refused: the policy says something that is not understood here. What is not understood permits nothing.",
            "Geweigerd: in de afspraken staat iets wat hier niet wordt begrepen. Wat niet wordt begrepen, staat niets toe.",
        ),
        Reason::UnknownAction => say(
            language,
            "Refused: the request asks for an action that is not understood here.",
            "Geweigerd: de aanvraag noemt een handeling die hier niet wordt begrepen.",
        ),
        Reason::ObligationBroken => say(
            language,
            format!("Refused: an obligation of `{who}` that comes with using `{target}` is past its date."),
            format!(
                "Geweigerd: een verplichting van `{who}` die bij het gebruik van `{target}` hoort, is over de datum."
            ),
        ),
    };
    format!("{sentence}{weighed}")
}

pub(super) fn problem(problem: &RecordedProblem, reason: Reason, language: Language) -> Point {
    let dutch_kind = ProblemKind::from_code(&problem.kind).map_or("niet begrepen", ProblemKind::dutch);
    let place = if problem.at.is_empty() { "/" } else { &problem.at };
    let in_request = reason == Reason::UnknownAction;
    Point {
        rule: None,
        at: visible(&problem.at),
        condition: say(
            language,
            format!("{}.", problem.message),
            format!("`{}` op plaats `{place}`: {dutch_kind}.", problem.term),
        ),
        shown: None,
        remedy: if in_request {
            say(
                language,
                "Who asks can change this: name an action of ODRL 2.2.",
                "De vrager kan dit aanpassen: noem een handeling uit ODRL 2.2.",
            )
        } else {
            say(
                language,
                "Who wrote the policy can change this.",
                "Wie de afspraken schreef, kan dit aanpassen.",
            )
        },
    }
}

fn with_law(iri: &str) -> String {
    match purpose::law(iri) {
        Some(law) => format!("`{iri}` ({law})"),
        None => format!("`{iri}`"),
    }
}

fn list(values: &[String]) -> String {
    let named: Vec<String> = values.iter().map(|value| with_law(value)).collect();
    named.join(", ")
}

pub(super) fn condition(failing: &Failing, hides_names: bool, language: Language) -> String {
    let required = if hides_names {
        say(
            language,
            "a party that the policy names",
            "een partij die in de afspraken staat",
        )
    } else {
        list(&failing.required)
    };
    let actions: Vec<String> = failing
        .required
        .iter()
        .map(|iri| format!("`{}`", action_name(iri)))
        .collect();
    let actions = actions.join(", ");
    match (failing.obstacle, &failing.operand, &failing.operator) {
        (Obstacle::Condition, Some(left), Some(op)) => {
            let (left, op) = (operand(left, language), operator(op, left, language));
            say(
                language,
                format!("The permission requires that {left} is {op} {required}."),
                format!("Voor de toestemming moet gelden: {left} is {op} {required}."),
            )
        }
        (Obstacle::Prohibition, Some(left), Some(op)) => {
            let (left, op) = (operand(left, language), operator(op, left, language));
            say(
                language,
                format!("A prohibition applies when {left} is {op} {required}."),
                format!("Er geldt een verbod als {left} is: {op} {required}."),
            )
        }
        (Obstacle::Prohibition, ..) => say(
            language,
            format!("A prohibition of {actions} applies."),
            format!("Er geldt een verbod op {actions}."),
        ),
        (Obstacle::NoPermission, ..) => say(
            language,
            "The policy has no permission at all.",
            "In de afspraken staat geen enkele toestemming.",
        ),
        (Obstacle::Action, ..) => say(
            language,
            format!("The permission is for {actions}; passing data on to others must be named by itself."),
            format!("De toestemming is voor {actions}; doorgeven aan anderen moet apart genoemd zijn."),
        ),
        (Obstacle::Target, ..) => say(
            language,
            format!("The permission is for {required}."),
            format!("De toestemming is voor {required}."),
        ),
        (Obstacle::Assigner, ..) => say(
            language,
            format!("The permission was given by {required}."),
            format!("De toestemming is gegeven door {required}."),
        ),
        (Obstacle::Assignee, ..) => say(
            language,
            format!("The permission was given to {required}."),
            format!("De toestemming is gegeven aan {required}."),
        ),
        (Obstacle::Obligation, ..) => obligation(failing, language),
        (Obstacle::Duty, Some(_), _) => say(
            language,
            format!("Each use costs {required} euros, taken from what was paid beforehand."),
            format!("Elk gebruik kost {required} euro. Dat gaat af van wat vooraf is betaald."),
        ),
        (Obstacle::Duty, ..) => say(
            language,
            format!("A duty must have been fulfilled first: {actions}."),
            format!("Eerst moet een plicht zijn nagekomen: {actions}."),
        ),
        (Obstacle::Choice | Obstacle::Condition, ..) => say(
            language,
            "Exactly one of several conditions must hold, and more than one does or it cannot be told.",
            "Precies een van enkele voorwaarden moet gelden. Het zijn er meer, of het is niet bekend.",
        ),
    }
}

fn obligation(failing: &Failing, language: Language) -> String {
    let action = failing.required.first().map(|iri| action_name(iri)).unwrap_or_default();
    match (failing.required.get(1), failing.fixed_by) {
        (Some(deadline), Fixer::NewAgreement) => say(
            language,
            format!("What is had under it had to be deleted by `{deadline}`, so nothing of it is given after that."),
            format!(
                "Wat ermee is verkregen, moest zijn verwijderd op `{deadline}`. Daarna wordt er niets meer van gegeven."
            ),
        ),
        (Some(deadline), _) => say(
            language,
            format!("It had to be done by `{deadline}`: `{action}`."),
            format!("Dit moest zijn gedaan op `{deadline}`: `{action}`."),
        ),
        (None, _) => say(
            language,
            format!("An obligation was broken: `{action}`."),
            format!("Een verplichting is niet nagekomen: `{action}`."),
        ),
    }
}

pub(super) fn shown(failing: &Failing, language: Language) -> Option<String> {
    let has_values = failing.operand.is_some()
        || matches!(
            failing.obstacle,
            Obstacle::Action | Obstacle::Target | Obstacle::Assigner | Obstacle::Assignee
        );
    if !has_values {
        return None;
    }
    if failing.shown.is_empty() {
        return Some(say(language, "Nothing is known of it.", "Daarover is niets bekend."));
    }
    let values = match failing.obstacle {
        Obstacle::Action => failing
            .shown
            .iter()
            .map(|iri| format!("`{}`", action_name(iri)))
            .collect::<Vec<_>>()
            .join(", "),
        _ => list(&failing.shown),
    };
    if let (Some("volume"), [delivered, size]) = (failing.operand.as_deref(), failing.shown.as_slice()) {
        return Some(say(
            language,
            format!("Delivered before: `{delivered}` bytes; now: `{size}`."),
            format!("Eerder geleverd: `{delivered}` bytes; nu: `{size}`."),
        ));
    }
    if failing.operand.as_deref() == Some("payAmount") {
        return Some(say(
            language,
            format!("Left of what was paid: {values} euros."),
            format!("Over van wat is betaald: {values} euro."),
        ));
    }
    let before = failing.operand.as_deref() == Some("count");
    Some(match (failing.value, before) {
        (_, true) => say(
            language,
            format!("Used before: {values}."),
            format!("Eerder gebruikt: {values}."),
        ),
        (Truth::Unknown, false) => say(
            language,
            format!("Shown: {values}; from that it cannot be told."),
            format!("Getoond: {values}; daaruit valt het niet op te maken."),
        ),
        (Truth::False | Truth::True, false) => {
            say(language, format!("Shown: {values}."), format!("Getoond: {values}."))
        }
    })
}

/// Whether a statement would meet the duty.
fn stated_first(failing: &Failing) -> bool {
    let mut actions = failing.required.iter().map(|iri| action_name(iri));
    actions.all(crate::obligation::is_stated_first)
}

pub(super) fn remedy(failing: &Failing, request: &Request, language: Language) -> String {
    let (asker, holder) = (&request.assignee, &request.assigner);
    match (failing.fixed_by, failing.operand.as_deref()) {
        (Fixer::Asker, _) if failing.obstacle == Obstacle::Obligation => say(
            language,
            format!("`{asker}` can still do it and state so; that is recorded as late."),
            format!("`{asker}` kan het alsnog doen en dat verklaren; dat wordt vastgelegd als te laat."),
        ),
        (Fixer::Asker, None) if failing.obstacle == Obstacle::Duty && stated_first(failing) => say(
            language,
            format!("`{asker}` can do it and state so, once (`herleid duty fulfil`)."),
            format!("`{asker}` kan het doen en dat verklaren, één keer (`herleid duty fulfil`)."),
        ),
        (Fixer::Asker | Fixer::NewAgreement, None) if failing.obstacle == Obstacle::Duty && !stated_first(failing) => {
            say(
                language,
                "Nothing in this version sees that it is met; only a new agreement can change this.",
                "Niets in deze versie ziet of eraan is voldaan; alleen een nieuwe overeenkomst kan dit veranderen.",
            )
        }
        (Fixer::Asker, Some("payAmount")) => say(
            language,
            format!("`{asker}` can pay `{holder}`, which then records that it was paid."),
            format!("`{asker}` kan `{holder}` betalen, die dan vastlegt dat er is betaald."),
        ),
        (Fixer::Asker, Some("purpose")) => say(
            language,
            format!("`{asker}` can state another purpose, if it is true."),
            format!("`{asker}` kan een ander doel opgeven, als dat klopt."),
        ),
        (Fixer::Asker, Some("legalBasis")) => say(
            language,
            format!("`{asker}` can state a legal basis on which it rests, if it is true."),
            format!("`{asker}` kan een grondslag opgeven waarop het berust, als dat klopt."),
        ),
        (Fixer::Asker, Some("areaOfUse")) => say(
            language,
            format!("`{asker}` can state another area, if it is true."),
            format!("`{asker}` kan een ander gebied opgeven, als dat klopt."),
        ),
        (Fixer::Asker, Some("spatial")) => say(
            language,
            format!("`{asker}` can show a credential that is for this area."),
            format!("`{asker}` kan een bewijs tonen dat voor dit gebied geldt."),
        ),
        (Fixer::Asker, Some("recipient")) => say(
            language,
            format!("`{asker}` can have another party receive it."),
            format!("`{asker}` kan een andere partij laten ontvangen."),
        ),
        (Fixer::Asker, Some("counterpartyLog")) => say(
            language,
            format!("`{asker}` can keep a log, or `{holder}` can permit parties that keep none."),
            format!("`{asker}` kan een logboek bijhouden, of `{holder}` kan partijen zonder logboek toelaten."),
        ),
        (Fixer::Asker, _) => say(
            language,
            format!("`{asker}` can see to this."),
            format!("`{asker}` kan dit in orde maken."),
        ),
        (Fixer::Holder, _) => say(
            language,
            format!("The connector of `{holder}` has to establish this."),
            format!("De connector van `{holder}` moet dit vaststellen."),
        ),
        (Fixer::NewAgreement, _) => say(
            language,
            format!("Only a new agreement between `{asker}` and `{holder}` can change this."),
            format!("Alleen een nieuwe overeenkomst tussen `{asker}` en `{holder}` kan dit veranderen."),
        ),
        (Fixer::Time, _) => say(language, "Try again later.", "Probeer het later opnieuw."),
    }
}

pub(super) fn fact(fact: &Fact, language: Language) -> String {
    let enforced = match fact.enforced_by {
        EnforcedBy::Provider => say(language, "seen to by the provider", "de aanbieder ziet hierop toe"),
        EnforcedBy::ConsumerConnector => say(
            language,
            "seen to by the consumer's connector",
            "de connector van de afnemer ziet hierop toe",
        ),
        EnforcedBy::Declared => say(language, "declared", "verklaard, niet gecontroleerd"),
    };
    let of = fact.of.as_ref().map(|of| format!(" `{of}`")).unwrap_or_default();
    let source = say(language, "source", "bron");
    let (about, values, known) = (&fact.about, list(&fact.values), &fact.source);
    visible(&format!("{about}{of}: {values} ({source}: {known}; {enforced})"))
}
