//! Who asks for what, when and for what: from the options, or from a file.

use crate::cli::Context;
use crate::cli::arguments::TryArguments;
use crate::cli::text::text;
use crate::control::error::{Code, ControlError};
use crate::rim::SystemClock;
use herleid_policies::{Amount, DutyState, EnforcedBy, Facts, Policy, PolicyKind, Request, Rule};
use herleid_vocab::did::Did;
use herleid_vocab::rim::Clock as _;
use herleid_vocab::time::parse_rfc3339_ms;
use serde::Deserialize;

const DAY_MS: u64 = 24 * 3_600_000;

/// What `--facts` names: each member as the option of that name.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    action: Option<String>,
    who: Option<Did>,
    recipient: Option<Did>,
    #[serde(default)]
    purpose: Vec<String>,
    area: Option<String>,
    legal_basis: Option<String>,
    area_of_use: Option<String>,
    time: Option<String>,
    used: Option<u64>,
    delivered: Option<u64>,
    size: Option<u64>,
    credit: Option<String>,
    stated: Option<String>,
    log: Option<String>,
}

/// The duties that a statement meets, before the first use.
fn stated_first(policy: &Policy) -> impl Iterator<Item = &Rule> {
    let duties = policy.permissions().iter().flat_map(Rule::duties);
    duties.filter(|duty| duty.is_stated_first())
}

/// What is asked, and what is known.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    action: String,
    who: Option<Did>,
    recipient: Option<Did>,
    purposes: Vec<String>,
    area: Option<String>,
    legal_basis: Option<String>,
    area_of_use: Option<String>,
    now_ms: u64,
    used: Option<u64>,
    delivered: Option<u64>,
    size: Option<u64>,
    credit: Option<Amount>,
    stated: Option<bool>,
    log: Option<bool>,
}

impl Asked {
    pub(super) fn of(context: &Context, arguments: &TryArguments) -> Result<Self, ControlError> {
        let written = match &arguments.facts {
            Some(path) => {
                let shown = path.display().to_string();
                let text = crate::cli::policies::written(context, path)?;
                serde_json::from_str(&text).map_err(|e| {
                    ControlError::new(Code::Usage, format!("`{shown}` does not say what is known"))
                        .what(e.to_string())
                        .expected(
                            "an object with some of `action`, `who`, `recipient`, `purpose`, `area`, `legal_basis`, `area_of_use`, `time`, `used`, `delivered`, `size`, `credit`, `stated`, `log`",
                        )
                })?
            }
            None => Written {
                action: arguments.action.clone(),
                who: arguments.who.clone(),
                recipient: arguments.recipient.clone(),
                purpose: arguments.purposes.clone(),
                area: arguments.area.clone(),
                legal_basis: arguments.legal_basis.clone(),
                area_of_use: arguments.area_of_use.clone(),
                time: arguments.time.clone(),
                used: arguments.used,
                delivered: arguments.delivered,
                size: arguments.size,
                credit: arguments.credit.clone(),
                stated: arguments.stated.clone(),
                log: arguments.log.clone(),
            },
        };
        let wrong = |member: &str, found: &str, expected: &str| {
            ControlError::new(Code::Usage, format!("`{found}` cannot be the `{member}` of a request"))
                .expected(expected)
        };
        let action = written.action.unwrap_or_else(|| crate::deciding::USE.to_owned());
        if ![crate::deciding::USE, crate::deciding::DISTRIBUTE].contains(&action.as_str()) {
            return Err(wrong(
                "action",
                &action,
                "`use` or `distribute`: a connector asks for nothing else",
            ));
        }
        let mut who = written.who;
        if action == crate::deciding::USE {
            // Whoever uses something receives it itself: a connector never asks otherwise.
            match (&who, &written.recipient) {
                (Some(who), Some(recipient)) if who != recipient => {
                    return Err(wrong(
                        "recipient",
                        recipient.as_str(),
                        &format!(
                            "`{who}`, who asks: for `use` nobody else receives anything; to pass it on is `distribute`"
                        ),
                    ));
                }
                (None, Some(recipient)) => who = Some(recipient.clone()),
                _ => {}
            }
        }
        if let [_, second, ..] = written.purpose.as_slice() {
            return Err(wrong("purpose", second, "one purpose: a connector states no more"));
        }
        let log = match written.log.as_deref() {
            None => None,
            Some("kept") => Some(true),
            Some("none") => Some(false),
            Some(other) => return Err(wrong("log", other, "`kept` or `none`")),
        };
        let stated = match written.stated.as_deref() {
            None => None,
            Some("yes") => Some(true),
            Some("no") => Some(false),
            Some(other) => return Err(wrong("stated", other, "`yes` or `no`")),
        };
        let credit = match written.credit.as_deref() {
            None => None,
            Some(text) => Some(
                text.parse::<Amount>()
                    .map_err(|_| wrong("credit", text, "an amount of euros, as `25.00`"))?,
            ),
        };
        let now_ms = SystemClock.now_ms();
        let at_ms = match written.time.as_deref() {
            None | Some("now" | "nu") => now_ms,
            Some("tomorrow" | "morgen") => now_ms.saturating_add(DAY_MS),
            Some(text) => parse_rfc3339_ms(text).map_err(|_| {
                wrong(
                    "time",
                    text,
                    "`now`, `tomorrow`, or a time with its zone, as `2027-01-01T09:00:00+01:00`",
                )
            })?,
        };
        Ok(Self {
            action,
            who,
            recipient: written.recipient,
            purposes: written.purpose,
            area: written.area,
            legal_basis: written.legal_basis,
            area_of_use: written.area_of_use,
            now_ms: at_ms,
            used: written.used,
            delivered: written.delivered,
            size: written.size,
            credit,
            stated,
            log,
        })
    }

    /// The request: between the two ends that an agreement names, or between two whom no policy names.
    pub(super) fn request(&self, context: &Context, policy: &Policy) -> Request {
        let somebody = |key: &str| text(context.language, key, &[]);
        let said = policy.shared();
        let who = self
            .who
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| said.assignee.clone());
        let who = who.unwrap_or_else(|| somebody("cli-try-who"));
        let holder = said.assigner.clone().unwrap_or_else(|| somebody("cli-try-holder"));
        let target = said.target.clone().unwrap_or_else(|| somebody("cli-try-target"));
        Request::new(&who, &holder, &target, self.now_ms).for_action(&self.action)
    }

    /// Refuses to guess how much of an agreement was used.
    pub(super) fn check(&self, policy: &Policy) -> Result<(), ControlError> {
        let volumes = policy.volumes();
        if !volumes.is_empty() && self.size.is_none() {
            return Err(ControlError::new(
                Code::Usage,
                "it is not said how many bytes would be delivered, which the policy counts",
            )
            .expected("`--size BYTES`"));
        }
        let is_agreed = policy.kind() == PolicyKind::Agreement;
        if is_agreed && !volumes.is_empty() && self.delivered.is_none() {
            return Err(ControlError::new(
                Code::Usage,
                "it is not said how many bytes were delivered under the agreement, which it counts",
            )
            .expected("`--delivered BYTES`"));
        }
        if is_agreed && policy.account().is_some() && self.credit.is_none() {
            return Err(ControlError::new(
                Code::Usage,
                "it is not said what is left of what was paid under the agreement, from which a use takes its price",
            )
            .expected("`--credit AMOUNT`; `herleid payments` shows what is left"));
        }
        if is_agreed && self.stated.is_none() && stated_first(policy).next().is_some() {
            return Err(ControlError::new(
                Code::Usage,
                "it is not said whether what has to be stated before a use was stated under the agreement",
            )
            .expected("`--stated yes` or `--stated no`; `herleid duties` shows which"));
        }
        if !is_agreed || policy.counters().is_empty() || self.used.is_some() {
            return Ok(());
        }
        Err(ControlError::new(
            Code::Usage,
            "it is not said how often the agreement was used, which it counts",
        )
        .expected("`--used NUMBER`; `herleid agreements` shows how often"))
    }

    /// What a connector would know then; of each whether it was given or is assumed.
    pub(super) fn facts(&self, context: &Context, policy: &Policy, request: &Request) -> Facts {
        let given = text(context.language, "cli-try-given", &[]);
        let assumed = text(context.language, "cli-try-assumed", &[]);
        let source = |is_given: bool| if is_given { given.as_str() } else { assumed.as_str() };
        let recipient = self.recipient.as_ref().map(ToString::to_string);
        // Who passes something on receives nothing itself: to whom has to be said.
        let receives_itself = self.action == crate::deciding::USE;
        let recipient = recipient.or_else(|| receives_itself.then(|| request.assignee.clone()));
        let is_given = self.recipient.is_some() || self.who.is_some();
        let mut facts =
            Facts::none().with_counterparty_log(self.log.unwrap_or(true), source(self.log.is_some()), self.now_ms);
        if let Some(recipient) = recipient {
            facts = facts.with_recipient(&recipient, source(is_given), self.now_ms);
        }
        if !self.purposes.is_empty() {
            facts = facts.with_purpose(self.purposes.iter().map(String::as_str), &given, self.now_ms);
        }
        if let Some(area) = &self.area {
            facts = facts.with_area([area.as_str()], &given, self.now_ms);
        }
        if let Some(basis) = &self.legal_basis {
            facts = facts.with_legal_basis(basis, &given, self.now_ms);
        }
        if let Some(area) = &self.area_of_use {
            facts = facts.with_area_of_use(area, &given, self.now_ms);
        }
        let volumes = policy.volumes();
        if let (false, Some(size)) = (volumes.is_empty(), self.size) {
            facts = facts.with_size(size, &given, self.now_ms);
        }
        let delivered = self.delivered.unwrap_or(0);
        for (rule, _) in &volumes {
            facts = facts.with_volume(rule, delivered, source(self.delivered.is_some()), self.now_ms);
        }
        if let (Some(account), Some(credit)) = (policy.account(), self.credit) {
            facts = facts.with_credit(&account, credit, Amount::NOTHING, &given, self.now_ms);
        }
        if let Some(is_stated) = self.stated {
            let state = if is_stated {
                DutyState::Fulfilled
            } else {
                DutyState::NotSet
            };
            facts = stated_first(policy).fold(facts, |facts, duty| {
                facts.with_duty(duty.id(), state, &given, EnforcedBy::Declared, self.now_ms)
            });
        }
        // What is given stays: money says nothing of statements, nor they of money.
        facts = policy.before_first_use(facts, &assumed, self.now_ms);
        let used = self.used.unwrap_or(0);
        policy.counters().iter().fold(facts, |facts, counter| {
            facts.with_count(counter, used, source(self.used.is_some()), self.now_ms)
        })
    }
}
