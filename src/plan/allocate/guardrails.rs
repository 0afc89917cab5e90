//! The guardrails of a call: limits on sums over the chosen rows, and which of them count a row.

use std::cmp::Ordering;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Float64Type, Schema, TimeUnit};
use datafusion::arrow::row::{OwnedRow, RowConverter, SortField};
use datafusion::common::{Result, exec_err};
use hashbrown::{HashMap, HashSet};

use super::relation::Purpose;
use super::settings::Settings;
use crate::allocation::{Coefficients, Guardrail};
use crate::keys::value_keys;

/// The columns of the guardrail relation.
pub(super) const COLUMNS: [(&str, DataType); 5] = [
    ("dimension", DataType::Utf8),
    ("member", DataType::Utf8),
    ("measure", DataType::Utf8),
    ("minimum", DataType::Float64),
    ("maximum", DataType::Float64),
];

/// What a guardrail limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Measure {
    Count,
    Cost,
    Value,
    CumulativeCost,
    /// Cost less what the value may cost on average.
    CostPerValue,
}

impl Measure {
    const NAMED: [(&'static str, Self); 4] = [
        ("count", Self::Count),
        ("cost", Self::Cost),
        ("value", Self::Value),
        ("cumulative_cost", Self::CumulativeCost),
    ];

    pub(super) fn name(self) -> &'static str {
        let named = Self::NAMED.iter().find(|(_, measure)| *measure == self);
        named.map_or("cost_per_value", |(name, _)| name)
    }
}

/// A guardrail with what it is called.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// What errors call it: `budget`, `count of channel 'push'`.
    pub(super) label: String,
    pub(super) dimension: Option<String>,
    pub(super) member: Option<String>,
    pub(super) measure: Measure,
    pub(super) limits: Guardrail,
}

/// All guardrails of a call.
#[derive(Clone, Debug, Default)]
pub(super) struct Guardrails {
    pub(super) named: Vec<Named>,
    /// How many of them, the first ones, count all rows.
    scalars: usize,
    dimensions: Vec<Dimension>,
    /// Column, key of the member and measure of those that are on a column.
    seen: HashSet<(usize, u128, Measure)>,
}

/// The guardrails on one column of the input.
#[derive(Clone, Debug)]
struct Dimension {
    column: usize,
    /// Members of `count`, `cost` and `value` guardrails by key; their positions are the codes of rows, others are 0.
    members: HashMap<u128, usize>,
    /// Position of the guardrails of each member.
    by_member: Vec<Vec<usize>>,
    /// Members of cumulative guardrails, ascending in the order of the column.
    steps: Vec<(OwnedRow, usize)>,
    converter: Option<Arc<RowConverter>>,
}

impl Guardrails {
    /// Puts the scalar options and the rows of the relation together, and checks them against the input.
    pub(super) fn new(
        purpose: Purpose,
        settings: &Settings,
        rows: &[RecordBatch],
        schema: &Schema,
    ) -> Result<Self> {
        let named = scalars(settings);
        let mut guardrails = Self { scalars: named.len(), named, ..Self::default() };
        let mut given = vec![];
        for batch in rows {
            let text = |column: usize| batch.column(column).as_string::<i32>();
            let number = |column: usize| batch.column(column).as_primitive::<Float64Type>();
            let get = |column: usize, row: usize, name: &str| match text(column).is_null(row) {
                true => exec_err!("{purpose}: {name} of guardrails must not be NULL"),
                false => Ok(text(column).value(row)),
            };
            for row in 0..batch.num_rows() {
                let limit = |column: usize| (!number(column).is_null(row)).then(|| number(column).value(row));
                let (minimum, maximum) = (limit(3), limit(4));
                let name = (get(0, row, "dimension")?, get(1, row, "member")?, get(2, row, "measure")?);
                given.push((name, (minimum, maximum)));
            }
        }
        // Rows come in any order; what follows from them may not.
        given.sort_by(|((a, b, c), _), ((d, e, f), _)| (a, c).cmp(&(d, f)).then_with(|| by_number(b, e)));
        for (name, limits) in given {
            guardrails.add(purpose, schema, name, limits)?;
        }
        for named in &guardrails.named {
            let Guardrail { minimum, maximum, .. } = named.limits;
            if minimum > maximum {
                return exec_err!(
                    "{purpose}: the minimum of {} must be at most its maximum, got {minimum} and {maximum}",
                    named.label
                );
            }
        }
        Ok(guardrails)
    }

    fn add(
        &mut self,
        purpose: Purpose,
        schema: &Schema,
        (dimension, member, measure): (&str, &str, &str),
        (minimum, maximum): (Option<f64>, Option<f64>),
    ) -> Result<()> {
        let Some((column, field)) = schema.column_with_name(dimension) else {
            let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
            return exec_err!(
                "{purpose}: dimension of guardrails must be a column of the input, got '{dimension}'; the input has {}",
                names.join(", ")
            );
        };
        let known = Measure::NAMED.iter().find(|(name, _)| *name == measure);
        let Some((_, measure)) = known else {
            let names: Vec<_> = Measure::NAMED.iter().map(|(name, _)| format!("'{name}'")).collect();
            return exec_err!(
                "{purpose}: measure of guardrails must be one of {}, got '{measure}'",
                names.join(", ")
            );
        };
        let label = match measure {
            Measure::CumulativeCost => format!("cost of {dimension} up to '{member}'"),
            measure => format!("{} of {dimension} '{member}'", measure.name()),
        };
        if minimum.is_none() && maximum.is_none() {
            return exec_err!("{purpose}: {label} has neither a minimum nor a maximum");
        }
        if let Some(nan) = minimum.into_iter().chain(maximum).find(|limit| limit.is_nan()) {
            return exec_err!("{purpose}: limits of guardrails must be numbers, got {nan} for {label}");
        }
        if minimum == Some(f64::INFINITY) || maximum == Some(f64::NEG_INFINITY) {
            let (which, limit) =
                if maximum == Some(f64::NEG_INFINITY) { ("maximum", "-inf") } else { ("minimum", "inf") };
            return exec_err!(
                "{purpose}: no plan keeps the {which} of {label}, got {limit}; NULL is no limit"
            );
        }
        if schema.fields().iter().filter(|field| field.name() == dimension).count() > 1 {
            return exec_err!(
                "{purpose}: the input has several columns '{dimension}', got a guardrail on it; rename them in the query"
            );
        }
        let Some(value) = member_value(member, field.data_type()) else {
            return exec_err!(
                "{purpose}: member of guardrails must be a {} as '{dimension}' is, got '{member}'",
                field.data_type()
            );
        };
        let key = value_keys(&value)?.first().copied().unwrap_or_default();
        if !self.seen.insert((column, key, *measure)) {
            return exec_err!("{purpose}: {label} is limited twice; put both limits into one row");
        }
        let position = self.named.len();
        let found = self.dimensions.iter().position(|known| known.column == column);
        let at = found.unwrap_or_else(|| {
            self.dimensions.push(Dimension {
                column,
                members: HashMap::new(),
                by_member: vec![vec![]],
                steps: vec![],
                converter: None,
            });
            self.dimensions.len() - 1
        });
        self.dimensions[at].count(&value, key, *measure, position)?;
        self.named.push(Named {
            label,
            dimension: Some(dimension.to_string()),
            member: Some(member.to_string()),
            measure: *measure,
            limits: Guardrail {
                adds: match measure {
                    Measure::Count => Coefficients::COUNT,
                    Measure::Value => Coefficients::VALUE,
                    _ => Coefficients::COST,
                },
                minimum: minimum.unwrap_or(f64::NEG_INFINITY),
                maximum: maximum.unwrap_or(f64::INFINITY),
                taken: 0.0,
            },
        });
        Ok(())
    }

    /// How many codes rows can have: rows of one code are counted by the same guardrails.
    fn radices(&self) -> impl Iterator<Item = (u128, u128)> {
        self.dimensions.iter().map(|d| (d.by_member.len() as u128, d.steps.len() as u128 + 1))
    }

    /// Checks that rows can be told apart by code.
    pub(super) fn check_size(&self, purpose: Purpose) -> Result<()> {
        let size = self.radices().try_fold(1_u128, |all, (a, b)| all.checked_mul(a)?.checked_mul(b));
        match size {
            Some(_) => Ok(()),
            None => exec_err!("{purpose}: guardrails on fewer columns are needed, got too many combinations"),
        }
    }

    /// The most guardrails that can count a row.
    pub(super) fn most_counting(&self) -> usize {
        let of = |d: &Dimension| d.by_member.iter().map(Vec::len).max().unwrap_or(0) + d.steps.len();
        self.scalars + self.dimensions.iter().map(of).sum::<usize>()
    }

    /// The code of every row.
    pub(super) fn codes(&self, batch: &RecordBatch) -> Result<Vec<u128>> {
        let mut codes = vec![0_u128; batch.num_rows()];
        let mut unit = 1_u128;
        for dimension in &self.dimensions {
            let array = batch.column(dimension.column);
            let array = dense(array)?;
            let nulls = array.logical_nulls();
            let is_null = |row: usize| nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
            if dimension.by_member.len() > 1 {
                for (row, key) in value_keys(&array)?.iter().enumerate() {
                    if !is_null(row)
                        && let Some(&member) = dimension.members.get(key)
                    {
                        codes[row] += unit * member as u128;
                    }
                }
            }
            unit *= dimension.by_member.len() as u128;
            if let Some(converter) = &dimension.converter {
                let rows = converter.convert_columns(&[Arc::clone(&array)])?;
                for (row, value) in rows.iter().enumerate() {
                    // Up to the first step that the value is not beyond.
                    let step = match is_null(row) {
                        true => dimension.steps.len(),
                        false => dimension.steps.partition_point(|(step, _)| step.row() < value),
                    };
                    codes[row] += unit * step as u128;
                }
            }
            unit *= dimension.steps.len() as u128 + 1;
        }
        Ok(codes)
    }

    /// The guardrails that count the rows of a code, ascending.
    pub(super) fn counting(&self, mut code: u128) -> Vec<u32> {
        let mut counting: Vec<u32> = (0..self.scalars as u32).collect();
        for dimension in &self.dimensions {
            let members = dimension.by_member.len() as u128;
            let member = (code % members) as usize;
            code /= members;
            let steps = dimension.steps.len() as u128 + 1;
            let step = (code % steps) as usize;
            code /= steps;
            counting.extend(dimension.by_member[member].iter().map(|&position| position as u32));
            counting.extend(dimension.steps[step..].iter().map(|&(_, position)| position as u32));
        }
        counting.sort_unstable();
        counting
    }

    /// Refuses minimums of members that no row has.
    pub(super) fn check_seen(&self, purpose: Purpose, classes: &[Vec<u32>]) -> Result<()> {
        let mut counts = vec![false; self.named.len()];
        classes.iter().flatten().for_each(|&position| counts[position as usize] = true);
        for (named, seen) in self.named.iter().zip(counts) {
            if let (Some(dimension), Some(member)) = (&named.dimension, &named.member)
                && !seen
                && named.limits.minimum > 0.0
            {
                return exec_err!(
                    "{purpose}: infeasible; no row has {dimension} '{member}', which has a minimum of {}",
                    named.limits.minimum
                );
            }
        }
        Ok(())
    }
}

impl Dimension {
    /// Lets a guardrail count the rows of a member.
    fn count(&mut self, member: &ArrayRef, key: u128, measure: Measure, position: usize) -> Result<()> {
        if measure == Measure::CumulativeCost {
            let converter = match &self.converter {
                Some(converter) => Arc::clone(converter),
                None => Arc::new(RowConverter::new(vec![SortField::new(member.data_type().clone())])?),
            };
            let step = converter.convert_columns(&[Arc::clone(member)])?.row(0).owned();
            let at = self.steps.partition_point(|(known, _)| *known < step);
            self.steps.insert(at, (step, position));
            self.converter = Some(converter);
            return Ok(());
        }
        let code = *self.members.entry(key).or_insert(self.by_member.len());
        if code == self.by_member.len() {
            self.by_member.push(vec![]);
        }
        self.by_member[code].push(position);
        Ok(())
    }
}

/// The order of members: of numbers when both are, else of texts.
fn by_number(a: &str, b: &str) -> Ordering {
    match (a.parse::<f64>(), b.parse::<f64>()) {
        (Ok(x), Ok(y)) => x.total_cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

/// The guardrails of the scalar options.
fn scalars(settings: &Settings) -> Vec<Named> {
    let named = |label: &str, measure, adds, minimum: Option<f64>, maximum: Option<f64>| Named {
        label: label.to_string(),
        dimension: None,
        member: None,
        measure,
        limits: Guardrail {
            adds,
            minimum: minimum.unwrap_or(f64::NEG_INFINITY),
            maximum: maximum.unwrap_or(f64::INFINITY),
            taken: 0.0,
        },
    };
    let mut scalars = vec![];
    if settings.budget.is_some() {
        scalars.push(named("budget", Measure::Cost, Coefficients::COST, None, settings.budget));
    }
    let (minimum, maximum) = (settings.min_treated, settings.max_treated);
    if minimum.is_some() || maximum.is_some() {
        scalars.push(named("treated", Measure::Count, Coefficients::COUNT, minimum, maximum));
    }
    if let Some(average) = settings.average_cost_per_value {
        let adds = Coefficients { count: 0.0, cost: 1.0, value: -average };
        scalars.push(named("average_cost_per_value", Measure::CostPerValue, adds, None, Some(0.0)));
    }
    scalars
}

/// The text of a member as a value of the column's type; `None` where it is none, or the type would keep only part of it.
fn member_value(member: &str, data_type: &DataType) -> Option<ArrayRef> {
    let data_type = match data_type {
        DataType::Dictionary(_, values) => values.as_ref(),
        other => other,
    };
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let cast = |array: &ArrayRef, to: &DataType| cast_with_options(array, to, &options).ok();
    let text: ArrayRef = Arc::new(StringArray::from(vec![member]));
    let value = cast(&text, data_type)?;
    let wider = match data_type {
        DataType::Date32 | DataType::Date64 => Some(DataType::Timestamp(TimeUnit::Nanosecond, None)),
        data_type if data_type.is_decimal() => Some(DataType::Float64),
        _ => None,
    };
    if let Some(wider) = wider
        && cast(&text, &wider)?.as_ref() != cast(&value, &wider)?.as_ref()
    {
        return None;
    }
    dense(&value).ok()
}

/// A column as its members are compared: values in place of a dictionary, and of floats one zero and no NaN, which is no
/// member.
fn dense(array: &ArrayRef) -> Result<ArrayRef> {
    match array.data_type() {
        DataType::Dictionary(_, values) => dense(&cast(array, values)?),
        data_type if data_type.is_floating() => {
            let wide = cast(array, &DataType::Float64)?;
            let floats = wide.as_primitive::<Float64Type>().iter();
            let member = |x: Option<f64>| x.filter(|x| !x.is_nan()).map(|x| x + 0.0);
            Ok(Arc::new(floats.map(member).collect::<Float64Array>()))
        }
        _ => Ok(Arc::clone(array)),
    }
}
