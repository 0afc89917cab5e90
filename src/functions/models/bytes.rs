//! Models as values: bytes that say what they are and whether they are whole.
//!
//! Layout: magic, format version, function, heads, features, what the model was trained on and with which options, the
//! learner's model, a checksum of all that. Texts are their length and UTF-8 bytes.

use datafusion::common::{Result, exec_err};
use twox_hash::XxHash3_64;

use super::schema::{Feature, Kind, Schema};
use crate::learners::Model;

const MAGIC: [u8; 4] = *b"CSLm";
const VERSION: u8 = 1;
const CHECKSUM: usize = size_of::<u64>();

/// A model with what it says of itself.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::functions) struct Trained {
    /// The function that trained it.
    pub(super) function: String,
    /// Names of the outcomes; one without a name where the outcome was a number.
    pub(super) heads: Vec<String>,
    pub(super) schema: Schema,
    pub(super) data: Data,
    /// The options it was trained with, as text.
    pub(super) options: String,
    pub(super) model: Model,
}

/// What a model was trained on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Data {
    pub(super) counts: Counts,
    /// Whether folds and bags were drawn by unit; else by the row's values.
    pub(super) has_units: bool,
}

/// How many rows a training met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) rows: u64,
    pub(super) treated: u64,
    /// Rows left out, of which something was NULL or invalid.
    pub(super) skipped: u64,
    /// Rows whose weight was capped.
    pub(super) clipped: u64,
}

impl Counts {
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let Self { rows, treated, skipped, clipped } = self;
        [rows, treated, skipped, clipped].iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
    }

    pub(super) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let mut number = || {
            let (number, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(u64::from_le_bytes(*number))
        };
        Some(Self { rows: number()?, treated: number()?, skipped: number()?, clipped: number()? })
    }

    /// Adds the rows of another part; `None` where no number can hold them.
    pub(super) fn add(&self, other: &Self) -> Option<Self> {
        Some(Self {
            rows: self.rows.checked_add(other.rows)?,
            treated: self.treated.checked_add(other.treated)?,
            skipped: self.skipped.checked_add(other.skipped)?,
            clipped: self.clipped.checked_add(other.clipped)?,
        })
    }
}

impl Trained {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.push(VERSION);
        write_text(&mut out, &self.function);
        write_list(&mut out, &self.heads, |out, head| write_text(out, head));
        write_list(&mut out, &self.schema.features, |out, Feature { name, kind }| {
            write_text(out, name);
            match kind {
                Kind::Number => out.push(0),
                Kind::Boolean => out.push(1),
                Kind::Text(levels) => {
                    out.push(2);
                    write_list(out, levels, |out, level| write_text(out, level));
                }
            }
        });
        self.data.counts.write(&mut out);
        out.push(u8::from(self.data.has_units));
        write_text(&mut out, &self.options);
        self.model.write(&mut out);
        let checksum = XxHash3_64::oneshot(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out
    }

    /// Reads a model that a user handed in to `function`.
    pub(super) fn from_bytes(function: &str, bytes: &[u8]) -> Result<Self> {
        let Some(rest) = bytes.strip_prefix(&MAGIC) else {
            return exec_err!(
                "{function}: model must be made by a training function such as cate_xlearner, got other bytes"
            );
        };
        match rest.first() {
            Some(&VERSION) => {}
            version => {
                let version = version.map_or("none".to_string(), u8::to_string);
                return exec_err!(
                    "{function}: model must have format version {VERSION}, got {version}; train it again with this program"
                );
            }
        }
        let whole = bytes.split_last_chunk::<CHECKSUM>();
        let whole = whole.filter(|(content, sum)| u64::from_le_bytes(**sum) == XxHash3_64::oneshot(content));
        match whole.and_then(|(content, _)| Self::parse(&content[MAGIC.len() + 1..])) {
            Some(trained) => Ok(trained),
            None => exec_err!("{function}: model is damaged: its bytes are not whole; train it again"),
        }
    }

    fn parse(mut bytes: &[u8]) -> Option<Self> {
        let rest = &mut bytes;
        let function = read_text(rest)?;
        let heads = read_list(rest, read_text)?;
        let features = read_list(rest, |rest| {
            let name = read_text(rest)?;
            let (kind, tail) = rest.split_first()?;
            *rest = tail;
            let kind = match kind {
                0 => Kind::Number,
                1 => Kind::Boolean,
                2 => Kind::Text(read_list(rest, read_text)?),
                _ => return None,
            };
            Some(Feature { name, kind })
        })?;
        let counts = Counts::read(rest)?;
        let (has_units, tail) = rest.split_first()?;
        *rest = tail;
        let data = Data { counts, has_units: *has_units != 0 };
        let options = read_text(rest)?;
        let model = Model::read(rest, features.len(), heads.len())?;
        Some(Self { function, heads, schema: Schema { features }, data, options, model })
    }
}

pub(super) fn write_list<T>(out: &mut Vec<u8>, items: &[T], mut write: impl FnMut(&mut Vec<u8>, &T)) {
    out.extend_from_slice(&(items.len() as u32).to_le_bytes());
    items.iter().for_each(|item| write(out, item));
}

pub(super) fn read_list<T>(
    bytes: &mut &[u8],
    mut read: impl FnMut(&mut &[u8]) -> Option<T>,
) -> Option<Vec<T>> {
    let (length, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    let length = u32::from_le_bytes(*length) as usize;
    // Every item takes bytes, so that a length beyond them ends before it takes memory.
    let mut items = vec![];
    for _ in 0..length {
        items.push(read(bytes)?);
    }
    Some(items)
}

pub(super) fn write_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u32).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn read_text(bytes: &mut &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (text, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    *bytes = rest;
    Some(std::str::from_utf8(text).ok()?.to_string())
}
