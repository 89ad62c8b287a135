//! Values, ready to be compared.

use super::program::{Text, Texts};
use crate::moment::Moment;
use crate::odrl::{Decimal, Duration, Quantity, Value};
use crate::operand::Operator;
use crate::truth::Truth;
use std::cmp::Ordering;

/// Where a moment begins and ends, in UTC milliseconds since 1970: until the first of each pair it surely has not, from the
/// second on it surely has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    begins: [i64; 2],
    ended: [i64; 2],
}

impl Span {
    pub(super) fn of(moment: &Moment) -> Self {
        let (begin, end, doubt) = moment.edges_ns();
        // The first millisecond that is not before: rounded up.
        let edge = |ns: i128| i64::try_from(-(-ns).div_euclid(1_000_000)).unwrap_or(i64::MAX);
        let pair = |at: i128| [edge(at - doubt), edge(at + doubt)];
        Self {
            begins: pair(begin),
            ended: pair(end),
        }
    }

    /// How the time relates to it. Operators that are not about order give unknown.
    pub(super) fn compare(self, now_ms: i64, operator: Operator) -> Truth {
        let is_before = |[surely, surely_not]: [i64; 2]| {
            if now_ms < surely {
                Truth::True
            } else if now_ms >= surely_not {
                Truth::False
            } else {
                Truth::Unknown
            }
        };
        match operator {
            Operator::Lt => is_before(self.begins),
            Operator::Gteq => !is_before(self.begins),
            Operator::Lteq => is_before(self.ended),
            Operator::Gt => !is_before(self.ended),
            Operator::Eq => (!is_before(self.begins)).and(is_before(self.ended)),
            Operator::Neq => is_before(self.begins).or(!is_before(self.ended)),
            _ => Truth::Unknown,
        }
    }
}

/// A value of a right operand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Typed {
    Moment(Span),
    Duration(Duration),
    /// With its size in thousand millionths, where that is exact.
    Number(Decimal, Option<i128>),
    Name(Text),
}

impl Typed {
    pub(super) fn of(value: &Value, texts: &mut Texts) -> Self {
        match value {
            Value::Moment(moment) => Self::Moment(Span::of(moment)),
            Value::Duration(duration) => Self::Duration(*duration),
            Value::Number(number) => Self::number(number.clone()),
            Value::Name(name) => Self::Name(texts.of(name)),
        }
    }

    pub(super) fn number(number: Decimal) -> Self {
        let size = number.to_billionths();
        Self::Number(number, size)
    }

    pub(super) fn shown(&self) -> Shown<'_> {
        match self {
            Self::Moment(span) => Shown::Moment(*span),
            Self::Duration(duration) => Shown::Duration(*duration),
            Self::Number(number, size) => Shown::Number(Number::Exact(number, *size)),
            Self::Name(name) => Shown::Name(name),
        }
    }
}

/// A value, whoever has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shown<'a> {
    Moment(Span),
    Duration(Duration),
    Number(Number<'a>),
    Name(&'a str),
}

/// A number, whoever has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number<'a> {
    Exact(&'a Decimal, Option<i128>),
    Whole(u64),
}

impl Number<'_> {
    fn cmp(self, other: Self) -> Ordering {
        let size = |number: Self| match number {
            Self::Exact(_, size) => size,
            Self::Whole(whole) => Some(i128::from(whole) * 1_000_000_000),
        };
        if let (Some(one), Some(other)) = (size(self), size(other)) {
            return one.cmp(&other);
        }
        match (self, other) {
            (Self::Exact(one, _), Self::Exact(other, _)) => one.cmp(other),
            (Self::Exact(one, _), Self::Whole(other)) => one.cmp(&Decimal::from(other)),
            (Self::Whole(one), Self::Exact(other, _)) => Decimal::from(one).cmp(other),
            (Self::Whole(one), Self::Whole(other)) => one.cmp(&other),
        }
    }
}

impl<'a> Shown<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Moment(moment) => Self::Moment(Span::of(moment)),
            Value::Duration(duration) => Self::Duration(*duration),
            Value::Number(number) => Self::Number(Number::Exact(number, None)),
            Value::Name(name) => Self::Name(name),
        }
    }

    pub(super) fn name(self) -> Option<&'a str> {
        match self {
            Self::Name(name) => Some(name),
            _ => None,
        }
    }

    /// Compares by an operator of order or equality; unknown where they are of different kinds.
    pub(super) fn compare(self, operator: Operator, other: Shown<'_>) -> Truth {
        let order = match (self, other) {
            (Self::Name(one), Shown::Name(other)) => {
                return match operator {
                    Operator::Eq => Truth::of(one == other),
                    Operator::Neq => Truth::of(one != other),
                    _ => Truth::Unknown,
                };
            }
            (Self::Number(one), Shown::Number(other)) => Some(one.cmp(other)),
            (Self::Duration(one), Shown::Duration(other)) => one.order(&other),
            _ => None,
        };
        let Some(order) = order else { return Truth::Unknown };
        Truth::of(match operator {
            Operator::Eq => order.is_eq(),
            Operator::Neq => order.is_ne(),
            Operator::Lt => order.is_lt(),
            Operator::Lteq => order.is_le(),
            Operator::Gt => order.is_gt(),
            Operator::Gteq => order.is_ge(),
            _ => return Truth::Unknown,
        })
    }
}

/// The right operand, as far as the policy itself says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rights {
    values: Box<[Typed]>,
    /// Whether it is names and no more, sorted, so that one of many is found without looking at each.
    is_sorted: bool,
}

impl Rights {
    pub(super) fn of(mut values: Vec<Typed>) -> Self {
        let name = |value: &Typed| match value {
            Typed::Name(name) => Some(name.clone()),
            _ => None,
        };
        let is_sorted = values.iter().all(|value| name(value).is_some());
        if is_sorted {
            values.sort_by_key(name);
        }
        Self {
            values: values.into_boxed_slice(),
            is_sorted,
        }
    }

    pub(super) fn typed(&self) -> &[Typed] {
        &self.values
    }
}

/// The right operand, with what was taken from elsewhere.
pub(super) enum Right<'a> {
    Fixed(&'a Rights),
    Gathered(Vec<Shown<'a>>),
}

impl Right<'_> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Fixed(rights) => rights.values.len(),
            Self::Gathered(values) => values.len(),
        }
    }

    fn get(&self, index: usize) -> Option<Shown<'_>> {
        match self {
            Self::Fixed(rights) => rights.values.get(index).map(Typed::shown),
            Self::Gathered(values) => values.get(index).copied(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Shown<'_>> {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Whether a value is one of these.
    pub(super) fn has(&self, value: Shown<'_>) -> Truth {
        match (self, value) {
            (Self::Fixed(rights), Shown::Name(name)) if rights.is_sorted => {
                let found = rights.values.binary_search_by(|other| match other {
                    Typed::Name(other) => (**other).cmp(name),
                    // Sorted rights are names.
                    _ => Ordering::Less,
                });
                Truth::of(found.is_ok())
            }
            _ => Truth::any(self.iter().map(|other| value.compare(Operator::Eq, other))),
        }
    }
}

/// What is known of a left operand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Left<'a> {
    Quantities(&'a [Quantity]),
    /// How often it was done before: asked is this time.
    Counted(&'a [Quantity]),
    Names(&'a [String]),
    Whole(u64),
}

impl<'a> Left<'a> {
    /// The counts of a world, if each is one.
    pub(super) fn counted(before: &'a [Quantity]) -> Option<Self> {
        before
            .iter()
            .all(|one| this_one(one).is_some())
            .then_some(Self::Counted(before))
    }

    pub(super) fn len(self) -> usize {
        match self {
            Self::Quantities(values) | Self::Counted(values) => values.len(),
            Self::Names(names) => names.len(),
            Self::Whole(_) => 1,
        }
    }

    fn get(self, index: usize) -> Option<Shown<'a>> {
        match self {
            Self::Quantities(values) => values.get(index).map(|one| Shown::of(&one.value)),
            Self::Counted(values) => values
                .get(index)
                .and_then(this_one)
                .map(|whole| Shown::Number(Number::Whole(whole))),
            Self::Names(names) => names.get(index).map(|name| Shown::Name(name)),
            Self::Whole(whole) => (index == 0).then_some(Shown::Number(Number::Whole(whole))),
        }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = Shown<'a>> {
        (0..self.len()).filter_map(move |index| self.get(index))
    }

    /// Whether each value has this unit. Units are never converted.
    pub(super) fn has_unit(self, unit: Option<&str>) -> bool {
        match self {
            Self::Quantities(values) | Self::Counted(values) => values.iter().all(|one| one.unit.as_deref() == unit),
            Self::Names(_) | Self::Whole(_) => unit.is_none(),
        }
    }
}

/// The number of the execution that is asked for, counted from 1.
fn this_one(before: &Quantity) -> Option<u64> {
    match &before.value {
        Value::Number(used) => used.to_whole()?.checked_add(1),
        _ => None,
    }
}
