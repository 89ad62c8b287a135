//! Nederlandse zinnen.

use super::{Reason as R, StatedBy, moment};

fn by(by: &StatedBy) -> String {
    match by {
        StatedBy::OwnNumbers => "de nummers zelf".to_owned(),
        StatedBy::Receipts => "de ontvangstbewijzen van de andere partij".to_owned(),
        StatedBy::Decision => "het besluit".to_owned(),
        StatedBy::Party { did } => did.clone(),
    }
}

fn counted(kind: &str) -> &'static str {
    match kind {
        "stream-model" => "berekening",
        _ => "vastlegging",
    }
}

pub(super) fn sentence(reason: &R) -> String {
    match reason {
        R::Refused { why } => format!("geweigerd: {why}"),
        R::Files { count } => format!("{count} bestanden, alle zoals in de lijst"),
        R::NotListed => "dit bestand staat niet in de lijst (manifest)".to_owned(),
        R::ListedButAbsent => "dit bestand staat in de lijst (manifest), maar is er niet".to_owned(),
        R::OtherDigest => "lengte of SHA-256 klopt niet met de lijst: het bestand is veranderd".to_owned(),
        R::NoAnchors => "er zijn geen ankers gegeven om het op te vertrouwen".to_owned(),
        R::NotAnchored => "de ankers kennen dit logboek niet".to_owned(),
        R::NoKey { origin } => format!("er is geen sleutel van `{origin}`, niet in de ankers en niet in het dossier"),
        R::OtherKey => {
            "de ankers hebben een andere sleutel voor dit logboek: misschien heeft iemand anders het gemaakt".to_owned()
        }
        R::OtherParty { claimed, anchored } => format!("het zou van {claimed} zijn, maar de ankers noemen {anchored}"),
        R::KeyNotValidThen { at_ms } => format!("volgens de ankers gold de sleutel niet op {}", moment(*at_ms)),
        R::Undated => {
            "volgens de ankers gold de sleutel maar een tijd, en niets toont dat dit binnen die tijd is ondertekend"
                .to_owned()
        }
        R::Witnessed { by, at_ms } => format!(
            "medeondertekend door {}, het eerst op {}",
            by.join(", "),
            moment(*at_ms)
        ),
        R::NotWitnessed { found, quorum, outside } => {
            let outside = if *outside {
                ""
            } else {
                ", en geen getuige van buiten de zaak"
            };
            format!("medeondertekend door {found} van de {quorum} gevraagde getuigen{outside}")
        }
        R::InTheFuture { what, at_ms } => {
            format!(
                "{what} heeft als datum {}; op de klok van deze computer is dat in de toekomst",
                moment(*at_ms)
            )
        }
        R::DatedLater { source, at_ms, seen_ms } => {
            let (at, seen) = (moment(*at_ms), moment(*seen_ms));
            format!("{source} heeft als datum {at}, maar een getuige zag het al op {seen}: de klok liep niet goed")
        }
        R::OtherCheckpoint { file } => format!("er staat een ander controlepunt in dan in `{file}`"),
        R::TooManyRecords { bytes, limit } => {
            format!(
                "{bytes} bytes aan vastleggingen en ontvangstbewijzen, er worden er hoogstens {limit} gelezen: de rest niet"
            )
        }
        R::RecordForm { what } => format!("de vorm klopt niet: {what}"),
        R::Development { did } => format!("{did} legde vast met instellingen voor ontwikkeling aan"),
        R::ClockStepped { did } => format!(
            "de klok van {did} is teruggezet: tot hij weer bij was, hebben vastleggingen het tijdstip van de vorige"
        ),
        R::PartyWithoutLog => "de partij van de lijst heeft geen logboek in logs.json".to_owned(),
        R::SignsOther => {
            "het gaat over een andere lijst (manifest): het dossier is na ondertekening veranderd".to_owned()
        }
        R::ForkedLog { size, one, other } => {
            format!(
                "gesplitst logboek: twee geschiedenissen van {size} vastleggingen, in {one} en in {other}; bewaar beide, ze zijn het bewijs"
            )
        }
        R::ForkedIndex { index, one, other } => {
            format!(
                "gesplitst logboek: twee vastleggingen op plaats {index}, in {one} en in {other}; bewaar beide, ze zijn het bewijs"
            )
        }
        R::SameAsAnchored { size } => format!("dezelfde geschiedenis van {size} vastleggingen als in de ankers"),
        R::NoCommonSize { size } => {
            format!("de ankers zagen {size} vastleggingen; het dossier toont geen geschiedenis van die lengte")
        }
        R::NoLogOpened => "de eerste vastlegging van het logboek van de partij ontbreekt".to_owned(),
        R::OpenedOther { member } => format!("de eerste vastlegging noemt een andere `{member}` dan het logboek heeft"),
        R::ReusedNumber { n, one, other } => format!("dubbel nummer: {one} en {other} hebben allebei nummer {n}"),
        R::BrokenChain { n, source } => format!("nummer {n} ({source}) verwijst niet naar de vastlegging ervoor"),
        R::NumbersOutOfOrder { n } => format!("nummer {n} staat in het logboek vóór een lager nummer"),
        R::SplitStream => {
            "twee tellingen voor één model en één afnemer: de eerste telling kan verborgen zijn".to_owned()
        }
        R::MissingNumber {
            kind,
            n,
            length,
            of,
            by: who,
        } => {
            let what = counted(kind);
            format!(
                "ontbreekt: {what} {n} van {length} van `{of}`; dat er {length} zijn, zeggen {}",
                by(who)
            )
        }
        R::MissingMore { more } => format!("ontbreken: nog {more}"),
        R::HiddenNumber { kind, source } => {
            format!("`{kind}` van {source} is niet geopend; zo blijft verborgen hoeveel er zijn")
        }
        R::NotCounted { did } => {
            format!("geen vastlegging van {did}, die het model heeft, geeft de berekening een nummer")
        }
        R::ClosedRun { n, length, of } => {
            format!("berekening {n} van {length} van `{of}` is geteld, maar wordt niet getoond")
        }
        R::Counted {
            length,
            closed,
            of,
            by: who,
        } => {
            let closed = if *closed == 0 {
                String::new()
            } else {
                format!(", {closed} daarvan niet geopend")
            };
            format!(
                "`{of}`: alle {length} nummers zijn er{closed}; de lengte komt van {}",
                by(who)
            )
        }
        R::CountedInPart { seen, of } => {
            format!("`{of}`: {seen} nummers, die kloppen; minstens zoveel, niemand zegt hoeveel")
        }
        R::NoPrior { source } => format!("`{source}` bouwt hierop voort, maar het is er niet"),
        R::PriorFound { count } => format!("{count} verwijzingen naar eerdere vastleggingen, alle aanwezig"),
        R::SameEnds => "één partij is gever en ontvanger; met zichzelf kan zij alles uitwisselen".to_owned(),
        R::AlteredExchange { one, other } => {
            format!("veranderde uitwisseling: de partijen legden niet hetzelfde vast, in {one} en in {other}")
        }
        R::EndsDiffer { section, one, other } => format!("`{section}` is in {one} anders dan in {other}"),
        R::NotAnEnd { did } => format!("{did} legde het vast, maar is gever noch ontvanger"),
        R::ReusedTransaction { did, count } => format!("{did} legde het {count} keer vast"),
        R::OneEnd { present, absent } => {
            format!("alleen {present} toont het; de vastlegging of het ontvangstbewijs van {absent} ontbreekt")
        }
        R::ContentDoesNotFit { source } => format!("de inhoud in {source} past niet bij de uitwisseling"),
        R::OtherThanExchanged { source } => {
            format!("{source} heeft andere invoer, instellingen of uitkomsten dan er zijn uitgewisseld")
        }
        R::NotOpened { section, of } => {
            format!("er is geen geopende `{section}` van {of} om het mee te vergelijken")
        }
        R::RunWithoutExchange { source } => {
            format!(
                "de berekening in {source} staat in een vastlegging zonder uitwisseling; daar kan iedereen haar neerzetten"
            )
        }
        R::RunOfOther { source } => {
            format!(
                "de berekening in {source} heeft een andere transactie, afspraak of een ander model dan de uitwisseling"
            )
        }
        R::OtherStatus { status, source } => {
            format!("de berekening in {source} heeft de status `{status}`; die kan ze daar niet hebben")
        }
        R::NoExchange { phase } => format!("van deze berekening ontbreekt de uitwisseling `{phase}`"),
        R::Ran { model, status } => format!("`{model}` ({status}), beide partijen zeggen hetzelfde"),
        R::DeclaredOwn => "opgegeven als eigen gegevens van wie rekende; de herkomst is niet vastgelegd".to_owned(),
        R::NoPull { transaction } => format!("de levering {transaction} die dit had moeten brengen, is er niet"),
        R::OtherDataset => "de levering was van andere gegevens of een andere versie".to_owned(),
        R::OtherAgreement => "de levering viel onder een andere afspraak dan de berekening noemt".to_owned(),
        R::PulledByOther { consumer } => format!("het is opgehaald door {consumer}, die het model niet draaide"),
        R::OtherThanPulled => "de levering bracht iets anders dan de berekening noemt".to_owned(),
        R::OtherThanReceived { did } => format!("{did} gaf iets anders door dan het had gekregen"),
        R::OtherThanPublished { did } => format!("{did} gaf iets anders dan het had gepubliceerd"),
        R::NoSource { did } => {
            format!("er is geen eerdere levering ervan aan {did}, en {did} heeft het niet gepubliceerd")
        }
        R::InSegments => "het kwam in delen, en niets toont het geheel".to_owned(),
        R::NoDecision => "de vastlegging van het besluit is er niet, of is niet geopend".to_owned(),
        R::OtherDecision => "het besluit is van een andere partij of zaak dan de lijst zegt".to_owned(),
        R::NoAuthor => "wie besloot, is niet geopend".to_owned(),
        R::DecidedBy { name, role } => format!("door {name}, {role}"),
        R::OtherOutput => "de berekening gaf een andere uitkomst dan het besluit noemt".to_owned(),
        R::NoOutput => "de berekening, of die uitkomst ervan, is er niet".to_owned(),
        R::NotFinished { status } => {
            format!("niet beide partijen tonen dat de berekening klaar is (status `{status}`)")
        }
        R::DeliveredToOther { did } => format!("het is geleverd aan {did}, niet aan wie besloot"),
        R::OtherDelivery => "de levering bracht iets anders dan het besluit noemt".to_owned(),
        R::NotItsDigest => "de naam is niet de SHA-256 van de inhoud, of de lengte klopt niet".to_owned(),
        R::OtherBlake3 { source } => format!("de BLAKE3-waarde is anders dan {source} zegt"),
        R::NoFile { role, source } => format!("`{role}`, genoemd in {source}, is er niet"),
        R::NamedByNoRecord => "geen geopende vastlegging noemt dit bestand".to_owned(),
        R::OnlyListed => "het is zoals in de lijst; de tekst is niet vergeleken met de vastleggingen".to_owned(),
        R::UnknownFile => "een soort bestand dat deze versie niet kent".to_owned(),
        R::NoPolicy { file } => format!("de voorwaarden waarover is beslist, `{file}`, zijn er niet"),
        R::ServedThoughDenied => {
            "het is gegeven, maar de beoordeling die erbij is vastgelegd staat het niet toe".to_owned()
        }
        R::DeniedThoughPermitted => {
            "het is geweigerd, maar de beoordeling die erbij is vastgelegd staat het toe".to_owned()
        }
        R::DecidedForOther => "de beoordeling gaat over andere partijen dan de uitwisseling".to_owned(),
        R::DecidedOther { member } => format!("de beoordeling hoort niet bij de vastlegging ({member})"),
        R::NoAgreement { agreement } => {
            format!("de afspraak `{agreement}`, waarop de beoordeling rust, is niet vastgelegd in dit dossier")
        }
        R::OtherRequest { member } => format!("het ondertekende verzoek hoort niet bij de vastlegging ({member})"),
        R::NotNear {
            created_ms,
            recorded_ms,
        } => {
            let (created, recorded) = (moment(*created_ms), moment(*recorded_ms));
            format!("het verzoek is ondertekend op {created} en vastgelegd op {recorded}: dat ligt te ver uit elkaar")
        }
        R::NoKeyAnchor { key } => format!("de ankers hebben geen sleutel `{key}` die toen gold"),
        R::Incomplete { what } => format!("{what} is er niet om het mee te controleren"),
        R::FalsePulls { count } => format!("{count} levering(en) tussen hen"),
        R::FalseRuns { count } => format!("{count} uitwisseling(en) van berekeningen tussen hen"),
        R::RewrittenLog { origin } => format!("een andere geschiedenis van `{origin}` aan anderen laten zien"),
        R::UnloggedRuns => "berekeningen die iemand op een eigen computer maakte en niet vastlegde".to_owned(),
        R::FalseSource => "gegevens die al fout waren toen de houder ze publiceerde".to_owned(),
        R::BothEnds => "iets wat beide partijen van een uitwisseling samen onjuist vastlegden".to_owned(),
        R::UnseenTail => "vastleggingen na het laatste controlepunt dat een getuige medeondertekende".to_owned(),
    }
}
