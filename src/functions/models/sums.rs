//! Training rows that are added up as they come, none of them kept.

use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err};
use twox_hash::XxHash3_64;

use super::bytes::{Counts, read_list, read_text, write_list, write_text};
use super::places::Places;
use super::rows::{Reading, head_names};
use super::schema::{GrowingSchema, Schema};
use super::settings;
use super::watch::Watch;
use crate::functions::adapter::{Definition, LEARNER, Options, Rule, WEIGHTS};
use crate::learners::{Method, Streamed, StreamedRows};

const MAGIC: [u8; 4] = *b"CSLt";
const VERSION: u8 = 1;
const CHECKSUM: usize = size_of::<u64>();

/// Columns that levels of categories may make: of this many, equations take 400 MB and minutes for each function.
const MOST_COLUMNS: usize = 10_000;

/// The sums of a training's rows.
#[derive(Debug)]
pub(super) struct Summed {
    function: &'static str,
    rows: StreamedRows,
    schema: GrowingSchema,
    sums: Streamed,
    pub(super) heads: Vec<String>,
    pub(super) counts: Counts,
}

impl Summed {
    /// No rows; `None` where the functions that are to be fitted do not follow from sums.
    pub(super) fn new(
        definition: &'static Definition,
        places: &Places,
        types: &[DataType],
        method: Method,
        options: &Options,
    ) -> Result<Option<Self>> {
        let has_propensity = places.has(definition, Rule::TreatedPropensity);
        if options.choice(&LEARNER) != "linear" || !StreamedRows::can_be(method, has_propensity) {
            return Ok(None);
        }
        let type_of = |rule: Rule| {
            let at = definition.arguments.iter().position(|argument| argument.rule == rule)?;
            places.columns[at].map(|position| &types[position])
        };
        let (Some(features), Some(outcome)) = (type_of(Rule::Features), type_of(Rule::Heads)) else {
            return Ok(None);
        };
        let (schema, heads) = (GrowingSchema::of(definition.name, features)?, head_names(outcome));
        let is_numeric = schema.is_numeric();
        let rows = StreamedRows {
            method,
            drawing: settings::of(method, options).drawing,
            is_numeric,
            outcomes: heads.len(),
            is_weighted: has_propensity && options.choice(&WEIGHTS) == "ipw",
        };
        let sums = Streamed::new(rows.clone());
        Ok(Some(Self { function: definition.name, rows, schema, sums, heads, counts: Counts::default() }))
    }

    /// Adds the rows of a batch.
    pub(super) fn add(
        &mut self,
        reading: &Reading<'_>,
        columns: Vec<ArrayRef>,
        options: &Options,
    ) -> Result<()> {
        let checked = reading.check(columns)?;
        let kept = checked.kept()?;
        let features = self.schema.read(self.function, &checked.features(&kept)?)?;
        let mut sample = checked.sample(features, &kept);
        self.counts.clipped += settings::weigh(&mut sample, options);
        let stopped = &Watch::current().stopped;
        if let Err(error) = self.sums.add(&sample, sample.propensity.as_deref(), stopped) {
            return exec_err!("{}: {error}", self.function);
        }
        self.counts.rows += kept.len() as u64;
        self.counts.treated += sample.treated.iter().filter(|treated| **treated).count() as u64;
        self.counts.skipped += (checked.is_kept.len() - kept.len()) as u64;
        self.check()
    }

    /// Refuses more levels than equations can have columns.
    fn check(&self) -> Result<()> {
        let (columns, feature) = self.sums.flags();
        if columns > MOST_COLUMNS {
            return exec_err!(
                "{}: levels of all features must be at most {MOST_COLUMNS} with the linear learner, got more, most of them of '{}'; put rare ones together",
                self.function,
                self.schema.name(feature)
            );
        }
        Ok(())
    }

    /// Adds the rows of a state.
    pub(super) fn merge(&mut self, state: &[u8]) -> Result<()> {
        let Some((counts, levels, sums)) = self.parse(state) else {
            return exec_err!(
                "{}: a state of training sums is damaged: its bytes are not whole",
                self.function
            );
        };
        let codes = self.schema.merge(&levels);
        self.sums.merge(&sums, &codes);
        self.counts = counts;
        self.check()
    }

    fn parse(&self, state: &[u8]) -> Option<(Counts, Vec<Vec<String>>, Streamed)> {
        let (content, checksum) = state.split_last_chunk::<CHECKSUM>()?;
        (u64::from_le_bytes(*checksum) == XxHash3_64::oneshot(content)).then_some(())?;
        let mut rest = content.strip_prefix(&MAGIC)?.strip_prefix(&[VERSION])?;
        let counts = Counts::read(&mut rest)?.add(&self.counts)?;
        let levels = read_list(&mut rest, |rest| read_list(rest, read_text))?;
        (levels.len() == self.rows.is_numeric.len()).then_some(())?;
        Some((counts, levels, Streamed::read(rest, self.rows.clone())?))
    }

    /// The sums as bytes.
    pub(super) fn state(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        self.counts.write(&mut out);
        write_list(&mut out, &self.schema.levels(), |out, levels| {
            write_list(out, levels, |out, level| write_text(out, level));
        });
        self.sums.write(&mut out);
        let checksum = XxHash3_64::oneshot(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// The features, the codes of each in the order of its levels, and the sums.
    pub(super) fn finish(&self) -> (Schema, Vec<Vec<u32>>, &Streamed) {
        let (schema, codes) = self.schema.finish();
        (schema, codes, &self.sums)
    }

    /// Bytes that are held.
    pub(super) fn size(&self) -> usize {
        self.schema.size() + self.sums.size()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Float64Array, StringArray, StructArray};
    use datafusion::arrow::datatypes::Field;

    use super::*;
    use crate::functions::outcome_model::DEFINITION;

    fn summed(names: &[&str]) -> Summed {
        let x: ArrayRef = Arc::new((0..names.len()).map(|i| i as f64).collect::<Float64Array>());
        let name: ArrayRef = Arc::new(StringArray::from(names.to_vec()));
        let field = Arc::new(Field::new("name", name.data_type().clone(), true));
        let features: ArrayRef = Arc::new(StructArray::from(vec![(field, name)]));
        let types = [x.data_type().clone(), features.data_type().clone()];
        let places = Places::new(&DEFINITION, DEFINITION.name, &types).unwrap();
        let specs: Vec<_> = DEFINITION.options().iter().collect();
        let learner: ArrayRef = Arc::new(StringArray::from(vec!["linear"]));
        let given = vec![(Arc::new(Field::new("learner", learner.data_type().clone(), false)), learner)];
        let mut options = Options::parse(DEFINITION.name, &specs, &StructArray::from(given)).unwrap();
        settings::complete(&mut options);
        let mut sums = Summed::new(&DEFINITION, &places, &types, Method::Outcome, &options).unwrap().unwrap();
        let reading = Reading {
            definition: &DEFINITION,
            function: DEFINITION.name,
            places: &places,
            outcome_rule: Rule::Finite,
            skip_invalid: false,
        };
        sums.add(&reading, vec![x, features], &options).unwrap();
        sums
    }

    #[test]
    fn levels_meet_by_their_text() {
        let (mut sums, other) = (summed(&["b", "a", "b"]), summed(&["c", "a", "d"]));
        sums.merge(&other.state()).unwrap();
        assert_eq!(sums.counts.rows, 6);
        assert_eq!(sums.schema.levels(), [["b", "a", "c", "d"]]);
        let (_, codes, _) = sums.finish();
        assert_eq!(codes, [[1, 0, 2, 3]]);
    }

    #[test]
    fn states_that_are_not_whole_are_refused() {
        let mut sums = summed(&["a", "b"]);
        let whole = sums.state();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x10;
            for state in [&changed, &whole[..at]] {
                let error = sums.merge(state).unwrap_err().strip_backtrace();
                assert!(
                    error.ends_with("a state of training sums is damaged: its bytes are not whole"),
                    "{error}"
                );
            }
        }
        sums.merge(&whole).unwrap();
        assert_eq!(sums.counts.rows, 4);
    }
}
