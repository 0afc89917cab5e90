//! From arrays to blocks of valid rows: NULLs are skipped, values checked against their rules.

use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Float64Array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::arrow::util::display::array_value_to_string;
use datafusion::common::{DataFusionError, Result, exec_datafusion_err, exec_err, internal_err};

use super::call::{Call, Layout};
use super::definition::{Argument, Definition};
use super::option_catalog::{MAX_WEIGHT, ON_INVALID, REWARD_RANGE, TRIM};
use super::rule::Rule;
use super::signature::is_number;
use crate::estimators::{BLOCK, COVARIATES, Rows};
use crate::keys::value_keys;

/// Reads the columns of one call.
#[derive(Clone, Debug)]
pub(super) struct Reader {
    function: String,
    columns: Vec<(&'static Argument, Source)>,
    cluster: Option<usize>,
    skip_invalid: bool,
    /// Whether the function has the option to skip.
    can_skip: bool,
    /// Rows whose P(treated) is nearer than this to 0 or 1 are left out.
    trim: f64,
    /// Texts of the levels, in the order of their positions.
    levels: Vec<String>,
    promise: Option<Promise>,
    /// Length of the lists, known from the first one.
    list_length: OnceLock<usize>,
}

/// Ranges that the caller vouched for, on which an interval rests.
#[derive(Clone, Debug)]
struct Promise {
    /// Of the first argument.
    range: Option<[f64; 2]>,
    /// Of the weights, infinite when nothing was said.
    weight: f64,
    /// Position of the propensity, and those of the probabilities that are divided by it.
    propensity: usize,
    probabilities: Vec<usize>,
}

impl Promise {
    fn new(definition: &Definition, call: &Call) -> Option<Self> {
        let range = call.options.range(&REWARD_RANGE);
        let weight = call.options.number(&MAX_WEIGHT);
        let named = |end: &str| {
            let names = definition.arguments.iter().map(|argument| argument.name);
            let found = names.enumerate().filter(|(i, name)| call.given[*i] && name.ends_with(end));
            found.map(|(i, _)| i).collect::<Vec<_>>()
        };
        (range.is_some() || weight < f64::INFINITY).then(|| Self {
            range,
            weight,
            propensity: named("propensity").first().copied().unwrap_or_default(),
            probabilities: named("_prob"),
        })
    }

    /// What a row breaks: its value and what was said of it.
    fn breach(&self, columns: &[&[f64]], i: usize, name: &str) -> Option<String> {
        let value = columns[0][i];
        if let Some([low, high]) = self.range
            && !(low..=high).contains(&value)
        {
            return Some(format!("{name} must be in reward_range [{low}, {high}], got {value}"));
        }
        let weight = |&column: &usize| columns[column][i] / columns[self.propensity][i];
        let weight = self.probabilities.iter().map(weight).fold(0.0, f64::max);
        let limit = self.weight;
        (weight > limit).then(|| format!("the weight must be at most max_weight {limit}, got {weight}"))
    }
}

#[derive(Clone, Debug)]
enum Source {
    Column(usize),
    /// Item `1` of the lists in column `0`.
    Item(usize, usize),
    /// The argument was left out: a block of its default.
    Constant(Arc<[f64]>),
}

/// What takes the rows that a [`Reader`] reads. `groups` is empty when there is one group.
pub(super) trait Sink {
    fn rows(&mut self, rows: Rows<'_>, groups: &[usize]);
    /// A row was left out.
    fn skipped(&mut self, group: usize);
}

/// What becomes of a row.
enum Verdict {
    Keep,
    Skip,
    Invalid(usize),
}

impl Reader {
    pub(super) fn new(definition: &'static Definition, call: &Call, layout: &Layout) -> Self {
        let source = |argument: &Argument, position: &Option<usize>| match position {
            Some(position) => Source::Column(*position),
            None => Source::Constant([argument.default.unwrap_or_default(); BLOCK].into()),
        };
        let has = |name| definition.options().iter().any(|spec| spec.name == name);
        let sources = |(argument, position): (&'static Argument, &Option<usize>)| match position {
            Some(position) if argument.rule == Rule::FiniteList && call.list => {
                (0..COVARIATES).map(|item| (argument, Source::Item(*position, item))).collect()
            }
            position => vec![(argument, source(argument, position))],
        };
        Self {
            function: call.function.clone(),
            columns: definition.arguments.iter().zip(&layout.columns).flat_map(sources).collect(),
            cluster: layout.cluster,
            skip_invalid: call.options.choice(&ON_INVALID) == "skip",
            can_skip: has(ON_INVALID.name),
            trim: call.options.number(&TRIM),
            levels: call.shares.iter().map(|(arm, _)| arm.clone()).collect(),
            promise: Promise::new(definition, call),
            list_length: OnceLock::new(),
        }
    }

    /// Passes the rows of a batch to `sink`. Rows that `filter` does not select are as if they were not there.
    pub(super) fn read(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
        groups: &[usize],
        sink: &mut impl Sink,
    ) -> Result<()> {
        let arrays = self.numbers(values, filter)?;
        let clusters = match self.cluster {
            Some(position) => value_keys(&values[position])?,
            None => vec![],
        };
        let len = values.first().map_or(0, |array| array.len());
        let cluster_nulls = self.cluster.and_then(|position| values[position].logical_nulls());
        let nulls = arrays
            .iter()
            .map(|array| array.as_ref().and_then(|array| array.nulls()))
            .fold(cluster_nulls, |all, nulls| NullBuffer::union(all.as_ref(), nulls));
        let nulls = nulls.filter(|nulls| nulls.null_count() > 0);

        let mut gathered = Gathered::new(self.columns.len());
        for start in (0..len).step_by(BLOCK) {
            let end = len.min(start + BLOCK);
            let columns: Vec<&[f64]> = self
                .columns
                .iter()
                .zip(&arrays)
                .map(|((_, source), array)| match (source, array) {
                    (Source::Constant(block), _) => &block[..end - start],
                    (_, Some(array)) => &array.values()[start..end],
                    (_, None) => &[],
                })
                .collect();
            let slice = |all: &'_ [usize]| if all.is_empty() { 0..0 } else { start..end };
            let groups = &groups[slice(groups)];
            let clusters = if clusters.is_empty() { &[] } else { &clusters[start..end] };
            let whole = filter.is_none() && nulls.is_none() && self.all_hold(&columns);
            if whole {
                if self.promise.is_some() {
                    (0..end - start).try_for_each(|i| self.check_promise(&columns, i))?;
                }
                sink.rows(Rows { columns: &columns, clusters, len: end - start }, groups);
            } else {
                gathered.clear();
                for i in 0..end - start {
                    let row = start + i;
                    if filter.is_some_and(|filter| filter.is_null(row) || !filter.value(row)) {
                        continue;
                    }
                    let null = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                    let verdict = if null { Verdict::Skip } else { self.verdict(&columns, i) };
                    let group = groups.get(i).copied();
                    match verdict {
                        Verdict::Keep => {
                            self.check_promise(&columns, i)?;
                            gathered.push(&columns, clusters, group, i);
                        }
                        Verdict::Invalid(column) if !self.skip_invalid => {
                            return Err(self.error(column, values, row, columns[column][i]));
                        }
                        Verdict::Skip | Verdict::Invalid(_) => sink.skipped(group.unwrap_or(0)),
                    }
                }
                gathered.pass(sink);
            }
        }
        Ok(())
    }

    /// The columns as numbers, `None` for those left out.
    fn numbers(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<Option<Float64Array>>> {
        self.columns
            .iter()
            .map(|(argument, source)| match source {
                Source::Constant(_) => Ok(None),
                Source::Item(position, item) => {
                    self.items(argument, &values[*position], *item, filter).map(Some)
                }
                Source::Column(position) if argument.rule == Rule::Level => {
                    self.levels(&values[*position]).map(Some)
                }
                Source::Column(position) if argument.rule == Rule::Any => codes(&values[*position]).map(Some),
                Source::Column(position) => {
                    let array = cast(&values[*position], &DataType::Float64)?;
                    Ok(Some(array.as_primitive::<Float64Type>().clone()))
                }
            })
            .collect()
    }

    /// Item `item` of each list; zero behind its end, so that it is a column that does not vary.
    fn items(
        &self,
        argument: &Argument,
        lists: &ArrayRef,
        item: usize,
        filter: Option<&BooleanArray>,
    ) -> Result<Float64Array> {
        let Some(lists) = lists.as_list_opt::<i32>() else {
            return internal_err!("{}: {} is no list", self.function, argument.name);
        };
        let numbers = cast(lists.values(), &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        let offsets = lists.value_offsets();
        (0..lists.len())
            .map(|row| {
                let length = lists.value_length(row) as usize;
                let is_left_out = filter.is_some_and(|filter| filter.is_null(row) || !filter.value(row));
                if lists.is_null(row) || is_left_out {
                    return Ok(None);
                }
                if length > COVARIATES {
                    return exec_err!(
                        "{}: {} must be lists of at most {COVARIATES}, got {length}",
                        self.function,
                        argument.name
                    );
                }
                let expected = *self.list_length.get_or_init(|| length);
                if length != expected {
                    return exec_err!(
                        "{}: {} must be lists of one length, got {length} after {expected}",
                        self.function,
                        argument.name
                    );
                }
                let place = offsets[row] as usize + item;
                Ok(if item >= length {
                    Some(0.0)
                } else {
                    numbers.is_valid(place).then(|| numbers.value(place))
                })
            })
            .collect()
    }

    /// Positions of the texts among the expected levels, NaN for others; NULL when none are known.
    fn levels(&self, array: &ArrayRef) -> Result<Float64Array> {
        if self.levels.is_empty() {
            return Ok(Float64Array::new_null(array.len()));
        }
        let text = cast(array, &DataType::Utf8View)?;
        let position = |text: &str| {
            let found = self.levels.iter().position(|level| level == text);
            found.map_or(f64::NAN, |position| position as f64)
        };
        Ok(text.as_string_view().iter().map(|text| text.map(position)).collect())
    }

    /// The error of an invalid value.
    fn error(&self, column: usize, values: &[ArrayRef], row: usize, value: f64) -> DataFusionError {
        let (argument, source) = &self.columns[column];
        match source {
            Source::Column(position) if argument.rule == Rule::Any => {
                let text = array_value_to_string(&values[*position], row).unwrap_or_default();
                exec_datafusion_err!("{}: {} must be finite, got {text}", self.function, argument.name)
            }
            Source::Column(position) if argument.rule == Rule::Level => {
                let text = array_value_to_string(&values[*position], row).unwrap_or_default();
                exec_datafusion_err!(
                    "{}: {} '{text}' has no expected share, there are shares for {}; give it one or filter it out",
                    self.function,
                    argument.name,
                    quoted(&self.levels)
                )
            }
            _ => argument.rule.error(&self.function, argument.name, value, self.can_skip),
        }
    }

    /// An error for a value that was said not to be: the interval would not hold.
    fn check_promise(&self, columns: &[&[f64]], i: usize) -> Result<()> {
        let Some(promise) = &self.promise else { return Ok(()) };
        match promise.breach(columns, i, self.columns[0].0.name) {
            Some(breach) => {
                exec_err!("{}: {breach}; the interval holds only if it is so: widen it", self.function)
            }
            None => Ok(()),
        }
    }

    fn all_hold(&self, columns: &[&[f64]]) -> bool {
        self.columns.iter().zip(columns).all(|((argument, _), values)| {
            let trimmed = argument.rule == Rule::TreatedPropensity && self.trim > 0.0;
            argument.rule.all_hold(values) && !(trimmed && values.iter().any(|&e| self.is_trimmed(e)))
        })
    }

    fn is_trimmed(&self, propensity: f64) -> bool {
        (0.0..=1.0).contains(&propensity) && !(self.trim..=1.0 - self.trim).contains(&propensity)
    }

    fn verdict(&self, columns: &[&[f64]], i: usize) -> Verdict {
        let mut verdict = Verdict::Keep;
        for (position, (argument, _)) in self.columns.iter().enumerate() {
            let value = columns[position][i];
            if argument.rule == Rule::TreatedPropensity && self.trim > 0.0 && self.is_trimmed(value) {
                verdict = Verdict::Skip;
            } else if !argument.rule.holds(value) {
                return Verdict::Invalid(position);
            }
        }
        verdict
    }
}

/// Numbers as they are, NaN for those that are not finite, and codes of other values; infinite for NULL.
fn codes(array: &ArrayRef) -> Result<Float64Array> {
    let numbers: Vec<f64> = if is_number(array.data_type()) {
        let numbers = cast(array, &DataType::Float64)?;
        let numbers = numbers.as_primitive::<Float64Type>();
        numbers.values().iter().map(|&x| if x.is_finite() { x + 0.0 } else { f64::NAN }).collect()
    } else {
        // The leading bits, as many as a number holds.
        value_keys(array)?.into_iter().map(|key| (key >> 75) as f64).collect()
    };
    let Some(nulls) = array.logical_nulls() else { return Ok(numbers.into()) };
    let with_null = |(i, x)| if nulls.is_null(i) { f64::INFINITY } else { x };
    Ok(numbers.into_iter().enumerate().map(with_null).collect::<Vec<_>>().into())
}

fn quoted(words: &[String]) -> String {
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

/// Rows of a block that are kept, packed.
struct Gathered {
    columns: Vec<Vec<f64>>,
    clusters: Vec<u128>,
    groups: Vec<usize>,
    len: usize,
}

impl Gathered {
    fn new(columns: usize) -> Self {
        Self { columns: vec![vec![]; columns], clusters: vec![], groups: vec![], len: 0 }
    }

    fn clear(&mut self) {
        self.columns.iter_mut().for_each(Vec::clear);
        self.clusters.clear();
        self.groups.clear();
        self.len = 0;
    }

    fn push(&mut self, columns: &[&[f64]], clusters: &[u128], group: Option<usize>, i: usize) {
        for (kept, column) in self.columns.iter_mut().zip(columns) {
            kept.push(column[i]);
        }
        self.clusters.extend(clusters.get(i));
        self.groups.extend(group);
        self.len += 1;
    }

    fn pass(&self, sink: &mut impl Sink) {
        let columns: Vec<&[f64]> = self.columns.iter().map(Vec::as_slice).collect();
        let rows = Rows { columns: &columns, clusters: &self.clusters, len: self.len };
        if self.len > 0 {
            sink.rows(rows, &self.groups);
        }
    }
}
