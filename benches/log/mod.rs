//! The log that benchmarks read: decisions with their propensities, rewards and predictions, in 12 columns.
//!
//! A value is a hash of its row and column, so a log is the same wherever and in whatever order it is made.

pub(crate) mod calls;
pub(crate) mod queries;
pub(crate) mod session;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use datafusion::arrow::array::{ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::error::Result;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;

/// What can be offered; the first is no offer.
const ACTIONS: [&str; 5] = ["no_offer", "email", "coupon", "gift", "call"];
const SEGMENTS: u64 = 40;
const CELLS: u64 = 100_000;
const DECISIONS_PER_USER: u64 = 5;
const USERS_PER_HOUSEHOLD: u64 = 2;
/// Row groups of a file: a multiple of the usual numbers of cores, and 1,000,000 rows each in the log of 10
/// million, which is about what Parquet writers choose when they are not told.
const ROW_GROUPS: usize = 10;
const BATCH: usize = 50_000;

/// Returns rows of the log of `rows` rows from `start` on, at most `len` of them.
pub(crate) fn batch(rows: usize, start: usize, len: usize) -> RecordBatch {
    let decisions: Vec<Decision> =
        (start..rows.min(start + len)).map(|row| Decision::new(rows as u64, row as u64)).collect();
    let id = |value: fn(&Decision) -> u64| -> ArrayRef {
        Arc::new(decisions.iter().map(|decision| Some(value(decision) as i64)).collect::<Int64Array>())
    };
    let code = |value: fn(&Decision) -> u64| -> ArrayRef {
        Arc::new(decisions.iter().map(|decision| Some(value(decision) as i32)).collect::<Int32Array>())
    };
    let number = |value: fn(&Decision) -> f64| -> ArrayRef {
        Arc::new(decisions.iter().map(value).map(Some).collect::<Float64Array>())
    };
    let actions = decisions.iter().map(|decision| Some(ACTIONS[decision.action])).collect::<StringArray>();
    RecordBatch::try_from_iter([
        ("decision_id", id(|d| d.row)),
        ("user_id", id(|d| d.user)),
        ("household_id", id(|d| d.user / USERS_PER_HOUSEHOLD)),
        ("segment", code(|d| hash(d.user, Draw::Segment) % SEGMENTS)),
        ("cell", code(|d| hash(d.user, Draw::Cell) % CELLS)),
        ("action", Arc::new(actions)),
        ("treated", code(|d| u64::from(d.action > 0))),
        ("propensity", number(|d| d.logging[d.action])),
        ("target_prob", number(|d| d.target[d.action])),
        ("reward", number(Decision::reward)),
        ("q_logged", number(|d| d.predictions[d.action])),
        ("q_target", number(Decision::target_prediction)),
    ])
    .expect("columns of one length")
}

/// Returns the schema of the log.
pub(crate) fn schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| batch(1, 0, 1).schema());
    Arc::clone(&SCHEMA)
}

/// Returns the Parquet file of the log of `rows` rows, written when it is not there yet.
pub(crate) fn file(rows: usize) -> Result<PathBuf> {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("log_{rows}.parquet"));
    if !path.exists() {
        let partial = path.with_extension("partial");
        write(rows, &partial)?;
        fs::rename(partial, &path)?;
    }
    Ok(path)
}

/// Returns the number of rows that the caller of the benchmark asked for.
pub(crate) fn rows(default: usize) -> usize {
    let asked = std::env::var("CAUSAL_BENCH_ROWS").ok();
    asked.map_or(default, |rows| rows.parse().expect("CAUSAL_BENCH_ROWS must be a number of rows"))
}

fn write(rows: usize, path: &Path) -> Result<()> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(rows.div_ceil(ROW_GROUPS)))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, schema(), Some(properties))?;
    for start in (0..rows).step_by(BATCH) {
        writer.write(&batch(rows, start, BATCH))?;
    }
    writer.close()?;
    Ok(())
}

/// One row: a user met the logging policy, and a target policy would have acted otherwise.
struct Decision {
    row: u64,
    user: u64,
    action: usize,
    /// Probabilities of the actions under either policy.
    logging: [f64; ACTIONS.len()],
    target: [f64; ACTIONS.len()],
    /// Predicted rewards of the actions.
    predictions: [f64; ACTIONS.len()],
}

impl Decision {
    fn new(rows: u64, row: u64) -> Self {
        let user = hash(row, Draw::User) % rows.div_ceil(DECISIONS_PER_USER);
        let taste: [f64; ACTIONS.len()] = std::array::from_fn(|a| uniform(user, Draw::Taste(a)));
        let logging = normalized(taste.map(|taste| 0.1 + taste));
        let mut left = uniform(row, Draw::Action);
        let chosen = logging.iter().position(|probability| {
            left -= probability;
            left < 0.0
        });
        Self {
            row,
            user,
            action: chosen.unwrap_or(0),
            logging,
            target: normalized(taste.map(|taste| 0.01 + taste * taste)),
            predictions: taste.map(|taste| 4.0 + 3.0 * taste),
        }
    }

    /// In money: whole cents about what is predicted.
    fn reward(&self) -> f64 {
        let noise = uniform(self.row, Draw::Noise) + uniform(self.row, Draw::MoreNoise) - 1.0;
        (100.0 * (self.predictions[self.action] + 2.0 * noise)).round() / 100.0
    }

    fn target_prediction(&self) -> f64 {
        self.target.iter().zip(self.predictions).map(|(probability, q)| probability * q).sum()
    }
}

fn normalized(weights: [f64; ACTIONS.len()]) -> [f64; ACTIONS.len()] {
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

/// What is drawn for a row or a user.
#[derive(Clone, Copy)]
enum Draw {
    User,
    Segment,
    Cell,
    Action,
    Noise,
    MoreNoise,
    Taste(usize),
}

impl Draw {
    fn stream(self) -> u64 {
        match self {
            Self::User => 1,
            Self::Segment => 2,
            Self::Cell => 3,
            Self::Action => 4,
            Self::Noise => 5,
            Self::MoreNoise => 6,
            Self::Taste(action) => 7 + action as u64,
        }
    }
}

/// The finaliser of SplitMix64, twice. Source: Steele, Lea and Flood (2014).
fn hash(key: u64, draw: Draw) -> u64 {
    fn mix(mut z: u64) -> u64 {
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    mix(mix(key.wrapping_add(GOLDEN)).wrapping_add(draw.stream().wrapping_mul(GOLDEN)))
}

/// Uniform in [0, 1).
fn uniform(key: u64, draw: Draw) -> f64 {
    (hash(key, draw) >> 11) as f64 / (1u64 << 53) as f64
}
