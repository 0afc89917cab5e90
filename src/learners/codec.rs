//! Models as bytes.
//!
//! Little endian; a list is its length and its items. Bytes are read as what a stranger may have made of them: no length is
//! trusted beyond the bytes that are there, and what comes out asks for no feature, level or node that is not.

use super::base::{Function, Space};
use super::binning::{Binning, FeatureBins};
use super::boosting::{BinSet, Child, Ensemble, Split, Test, Tree};
use super::calibration::{Calibration, Isotonic, Platt};
use super::drawing::Drawing;
use super::edges::Edges;
use super::linear::{Coding, Encoding, LinearModel, Place};
use super::model::{Effect, Member, Model, Share};

/// Bytes of a split.
const SPLIT: usize = 15;

/// Writes numbers behind each other.
pub(super) struct Writer<'a>(pub(super) &'a mut Vec<u8>);

impl Writer<'_> {
    fn byte(&mut self, x: u8) {
        self.0.push(x);
    }

    fn short(&mut self, x: u16) {
        self.0.extend_from_slice(&x.to_le_bytes());
    }

    pub(super) fn int(&mut self, x: u32) {
        self.0.extend_from_slice(&x.to_le_bytes());
    }

    pub(super) fn long(&mut self, x: u64) {
        self.0.extend_from_slice(&x.to_le_bytes());
    }

    fn single(&mut self, x: f32) {
        self.0.extend_from_slice(&x.to_le_bytes());
    }

    pub(super) fn float(&mut self, x: f64) {
        self.0.extend_from_slice(&x.to_le_bytes());
    }

    pub(super) fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.int(items.len() as u32);
        items.iter().for_each(|item| write(self, item));
    }

    fn floats(&mut self, floats: &[f64]) {
        self.list(floats, |out, x| out.float(*x));
    }
}

/// Reads what a [`Writer`] wrote; `None` where bytes are missing.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take().map(u8::from_le_bytes)
    }

    fn short(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    pub(super) fn int(&mut self) -> Option<u32> {
        self.take().map(u32::from_le_bytes)
    }

    pub(super) fn long(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn single(&mut self) -> Option<f32> {
        self.take().map(f32::from_le_bytes).filter(|x| x.is_finite())
    }

    pub(super) fn float(&mut self) -> Option<f64> {
        self.take().map(f64::from_le_bytes).filter(|x| x.is_finite())
    }

    /// A list whose items take at least `least` bytes each.
    pub(super) fn list<T>(
        &mut self,
        least: usize,
        mut read: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let length = self.int()? as usize;
        if length.checked_mul(least)? > self.0.len() {
            return None;
        }
        (0..length).map(|_| read(self)).collect()
    }

    fn floats(&mut self) -> Option<Vec<f64>> {
        self.list(size_of::<f64>(), Self::float)
    }
}

impl Model {
    /// Appends the model to bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let out = &mut Writer(out);
        write_space(out, &self.space);
        let Drawing { seed, folds, bags } = self.drawing;
        out.long(seed);
        out.int(folds);
        out.int(bags);
        match &self.share {
            None => out.byte(0),
            Some(Share::Constant(share)) => {
                out.byte(1);
                out.float(*share);
            }
            Some(Share::Fitted { function, low, high }) => {
                out.byte(2);
                write_function(out, function);
                out.float(*low);
                out.float(*high);
            }
        }
        out.list(&self.members, |out, Member { bag, fold, heads }| {
            out.int(*bag);
            out.int(fold.map_or(u32::MAX, |fold| fold));
            out.list(heads, write_effect);
        });
    }

    /// Reads what [`Self::write`] wrote, of a model of some features and heads; `None` for anything else.
    pub(crate) fn read(bytes: &[u8], features: usize, heads: usize) -> Option<Self> {
        let reader = &mut Reader(bytes);
        let space = read_space(reader)?;
        let drawing = Drawing { seed: reader.long()?, folds: reader.int()?, bags: reader.int()? };
        let share = match reader.byte()? {
            0 => None,
            1 => Some(Share::Constant(reader.float()?)),
            2 => {
                let function = read_function(reader, &space)?;
                let (low, high) = (reader.float()?, reader.float()?);
                (low <= high).then_some(Some(Share::Fitted { function, low, high }))?
            }
            _ => return None,
        };
        let members = reader.list(12, |reader| {
            let (bag, fold) = (reader.int()?, reader.int()?);
            let fold = (fold != u32::MAX).then_some(fold);
            let heads = reader.list(1, |reader| read_effect(reader, &space))?;
            Some(Member { bag, fold, heads })
        })?;
        let model = Self { space, drawing, share, members };
        (reader.0.is_empty() && model.is_whole(features, heads)).then_some(model)
    }

    /// Whether every part is where the others expect it.
    fn is_whole(&self, features: usize, heads: usize) -> bool {
        let Drawing { folds, bags, .. } = self.drawing;
        let is_switched = |member: &Member| matches!(member.heads[..], [Effect::Switched(_), ..]);
        let switched = usize::from(self.members.first().is_some_and(is_switched));
        let read = match &self.space {
            Space::Bins(binning) => binning.features.len(),
            Space::Columns(encoding) => encoding.codings.len(),
        };
        let is_placed = |member: &Member| {
            let fold =
                if folds == 1 { member.fold.is_none() } else { member.fold.is_some_and(|fold| fold < folds) };
            let kinds =
                member.heads.iter().all(|head| matches!(head, Effect::Switched(_)) == (switched == 1));
            fold && member.bag < bags && member.heads.len() == heads && kinds
        };
        folds > 0
            && bags > 0
            && heads > 0
            && read == features + switched
            // One member of each fold of each bag: as many as are needed, and no more bags than there are members.
            && self.members.len() as u64 == u64::from(folds) * u64::from(bags)
            && self.members.iter().all(is_placed)
    }
}

fn write_space(out: &mut Writer<'_>, space: &Space) {
    match space {
        Space::Bins(binning) => {
            out.byte(0);
            out.list(&binning.features, |out, bins| match bins {
                FeatureBins::Numeric(edges) => {
                    out.byte(0);
                    out.floats(edges.as_slice());
                }
                FeatureBins::Categorical { bin_of, others } => {
                    out.byte(1);
                    out.list(bin_of, |out, bin| out.byte(*bin));
                    out.byte(*others);
                }
            });
        }
        Space::Columns(encoding) => {
            out.byte(1);
            out.list(&encoding.codings, |out, coding| match coding {
                Coding::Numeric { fill, has_null } => {
                    out.byte(0);
                    out.float(*fill);
                    out.byte(u8::from(*has_null));
                }
                Coding::Categorical { places, shares } => {
                    out.byte(1);
                    out.list(places, |out, place| {
                        out.int(match place {
                            Place::Unseen => u32::MAX,
                            Place::Reference => u32::MAX - 1,
                            Place::Column(column) => *column,
                        });
                    });
                    out.floats(shares);
                }
            });
        }
    }
}

fn read_space(reader: &mut Reader<'_>) -> Option<Space> {
    match reader.byte()? {
        0 => {
            let features = reader.list(5, |reader| match reader.byte()? {
                0 => {
                    let edges = reader.floats()?;
                    let is_ascending = edges.len() < 254 && edges.windows(2).all(|pair| pair[0] < pair[1]);
                    is_ascending.then(|| FeatureBins::Numeric(Edges::new(edges)))
                }
                1 => {
                    let bin_of = reader.list(1, Reader::byte)?;
                    let others = reader.byte()?;
                    let are_bins = bin_of.iter().all(|bin| *bin <= others);
                    are_bins.then_some(FeatureBins::Categorical { bin_of, others })
                }
                _ => None,
            })?;
            Some(Space::Bins(Binning { features }))
        }
        1 => {
            let codings = reader.list(10, |reader| match reader.byte()? {
                0 => Some(Coding::Numeric { fill: reader.float()?, has_null: reader.byte()? != 0 }),
                1 => {
                    let places = reader.list(4, |reader| {
                        Some(match reader.int()? {
                            u32::MAX => Place::Unseen,
                            column if column == u32::MAX - 1 => Place::Reference,
                            column => Place::Column(column),
                        })
                    })?;
                    let shares = reader.floats()?;
                    let is_there = |place: &Place| match place {
                        Place::Column(column) => (*column as usize) < shares.len(),
                        Place::Unseen | Place::Reference => true,
                    };
                    // The last place is that of NULL.
                    let are_there = !places.is_empty() && places.iter().all(is_there);
                    are_there.then_some(Coding::Categorical { places, shares })
                }
                _ => None,
            })?;
            Some(Space::Columns(Encoding { codings }))
        }
        _ => None,
    }
}

fn write_effect(out: &mut Writer<'_>, effect: &Effect) {
    let (kind, functions) = match effect {
        Effect::Plain(function) => (0, vec![function]),
        Effect::Probability(function, _) => (1, vec![function]),
        Effect::Difference { control, treated } => (2, vec![control, treated]),
        Effect::Weighted { control, treated } => (3, vec![control, treated]),
        Effect::Switched(function) => (4, vec![function]),
    };
    out.byte(kind);
    functions.into_iter().for_each(|function| write_function(out, function));
    match effect {
        Effect::Probability(_, Calibration::None) => out.byte(0),
        Effect::Probability(_, Calibration::Platt(Platt { centre, level, slope })) => {
            out.byte(1);
            [centre, level, slope].into_iter().for_each(|x| out.float(*x));
        }
        Effect::Probability(_, Calibration::Isotonic(Isotonic { scores, values, weight })) => {
            out.byte(2);
            out.floats(scores);
            out.floats(values);
            out.float(*weight);
        }
        _ => {}
    }
}

fn read_calibration(reader: &mut Reader<'_>) -> Option<Calibration> {
    Some(match reader.byte()? {
        0 => Calibration::None,
        1 => Calibration::Platt(Platt {
            centre: reader.float()?,
            level: reader.float()?,
            slope: reader.float()?,
        }),
        2 => {
            let (scores, values, weight) = (reader.floats()?, reader.floats()?, reader.float()?);
            let is_whole = !scores.is_empty()
                && scores.len() == values.len()
                && scores.is_sorted()
                && values.is_sorted()
                && weight >= 0.0;
            is_whole.then_some(Calibration::Isotonic(Isotonic { scores, values, weight }))?
        }
        _ => return None,
    })
}

fn read_effect(reader: &mut Reader<'_>, space: &Space) -> Option<Effect> {
    let kind = reader.byte()?;
    Some(match kind {
        0 => Effect::Plain(read_function(reader, space)?),
        1 => Effect::Probability(read_function(reader, space)?, read_calibration(reader)?),
        2 => Effect::Difference {
            control: read_function(reader, space)?,
            treated: read_function(reader, space)?,
        },
        3 => Effect::Weighted {
            control: read_function(reader, space)?,
            treated: read_function(reader, space)?,
        },
        4 => Effect::Switched(read_function(reader, space)?),
        _ => return None,
    })
}

fn write_function(out: &mut Writer<'_>, function: &Function) {
    match function {
        Function::Trees(ensemble) => {
            out.float(ensemble.base);
            out.int(ensemble.rounds as u32);
            out.list(&ensemble.trees, write_tree);
        }
        Function::Linear(model) => {
            out.float(model.level);
            out.floats(&model.centre);
            out.floats(&model.slopes);
        }
    }
}

fn read_function(reader: &mut Reader<'_>, space: &Space) -> Option<Function> {
    match space {
        Space::Bins(binning) => {
            let (base, rounds) = (reader.float()?, reader.int()? as usize);
            let trees = reader.list(12, |reader| read_tree(reader, binning.features.len()))?;
            Some(Function::Trees(Ensemble { base, trees, rounds }))
        }
        Space::Columns(encoding) => {
            let (level, centre, slopes) = (reader.float()?, reader.floats()?, reader.floats()?);
            let is_of_space = centre.len() == encoding.width() && slopes.len() == encoding.width();
            is_of_space.then_some(Function::Linear(LinearModel { centre, level, slopes }))
        }
    }
}

fn write_tree(out: &mut Writer<'_>, tree: &Tree) {
    let child = |child: Child| match child {
        Child::Split(at) => at << 1,
        Child::Leaf(at) => at << 1 | 1,
    };
    out.list(&tree.splits, |out, split| {
        out.int(split.feature);
        let (kind, at) = match split.test {
            Test::AtMost { bin, null_left } => (u8::from(null_left), u16::from(bin)),
            Test::In(set) => (2, set),
        };
        out.byte(kind);
        out.short(at);
        out.short(child(split.left));
        out.short(child(split.right));
        out.single(split.gain);
    });
    out.list(&tree.sets, |out, set| set.0.iter().for_each(|bits| out.long(*bits)));
    out.list(&tree.leaves, |out, leaf| out.single(*leaf));
}

fn read_tree(reader: &mut Reader<'_>, features: usize) -> Option<Tree> {
    let child = |at: u16| if at & 1 == 0 { Child::Split(at >> 1) } else { Child::Leaf(at >> 1) };
    let splits = reader.list(SPLIT, |reader| {
        let (feature, kind, at) = (reader.int()?, reader.byte()?, reader.short()?);
        let test = match kind {
            0 | 1 => Test::AtMost { bin: u8::try_from(at).ok()?, null_left: kind == 1 },
            2 => Test::In(at),
            _ => return None,
        };
        let (left, right) = (child(reader.short()?), child(reader.short()?));
        Some(Split { feature, test, left, right, gain: reader.single()? })
    })?;
    let sets = reader
        .list(32, |reader| Some(BinSet([reader.long()?, reader.long()?, reader.long()?, reader.long()?])))?;
    let leaves = reader.list(4, Reader::single)?;
    let is_known = |split: &Split| {
        let test = match split.test {
            Test::AtMost { .. } => true,
            Test::In(set) => (set as usize) < sets.len(),
        };
        test && (split.feature as usize) < features
    };
    let is_whole = splits.iter().all(is_known) && is_in_order(&splits, leaves.len());
    is_whole.then_some(Tree { splits, sets, leaves })
}

/// Whether a walk from the root, left before right, meets every split and every leaf once and in their order.
fn is_in_order(splits: &[Split], leaves: usize) -> bool {
    let (mut next_split, mut next_leaf) = (0, 0);
    let mut ahead = vec![if splits.is_empty() { Child::Leaf(0) } else { Child::Split(0) }];
    while let Some(child) = ahead.pop() {
        match child {
            Child::Split(at) if at as usize == next_split && next_split < splits.len() => {
                let split = &splits[next_split];
                next_split += 1;
                ahead.extend([split.right, split.left]);
            }
            Child::Leaf(at) if at as usize == next_leaf && next_leaf < leaves => next_leaf += 1,
            Child::Split(_) | Child::Leaf(_) => return false,
        }
    }
    next_split == splits.len() && next_leaf == leaves
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::learners::{
        Base, Boosting, Calibrator, Column, Features, Method, NULL, Penalty, Sample, Settings, Work, train,
    };
    use crate::math::{Draws, mixed};

    const FEATURES: usize = 3;

    fn sample() -> Sample {
        let mut draws = Draws::new(1);
        let rows = 120;
        let numbers: Vec<f64> =
            (0..rows).map(|i| if i % 9 == 0 { f64::NAN } else { draws.normal() }).collect();
        let codes: Vec<u32> = (0..rows as u32).map(|i| if i % 11 == 0 { NULL } else { i % 4 }).collect();
        let treated: Vec<bool> = (0..rows).map(|_| draws.uniform() < 0.5).collect();
        let outcome =
            |i: usize| f64::from(codes[i] % 4) + f64::from(treated[i]) * (1.0 + numbers[i].max(0.0));
        Sample {
            outcomes: vec![
                (0..rows).map(outcome).collect(),
                (0..rows).map(|i| f64::from(treated[i])).collect(),
            ],
            features: Features {
                columns: vec![
                    Column::Numeric(numbers),
                    Column::Categorical { codes, levels: 4 },
                    Column::Numeric((0..rows).map(|i| (i % 5) as f64).collect()),
                ],
                rows,
            },
            propensity: Some((0..rows).map(|i| 0.3 + 0.1 * (i % 5) as f64).collect()),
            treated,
            weight: None,
            keys: (0..rows as u64).map(mixed).collect(),
        }
    }

    fn models() -> Vec<Model> {
        let boosting = Boosting { trees: 3, leaves: 5, min_leaf_rows: 5.0, ..Boosting::default() };
        let bases = [Base::Boosting(boosting), Base::Linear(Penalty::per_row(0.1).unwrap())];
        let methods = [Method::X, Method::T, Method::S, Method::Propensity];
        let calibrators = [Calibrator::None, Calibrator::Platt, Calibrator::Isotonic];
        let mut models = vec![];
        for (i, method) in methods.into_iter().enumerate() {
            for base in &bases {
                let settings = Settings {
                    method,
                    base: base.clone(),
                    effect_base: base.clone(),
                    drawing: Drawing { seed: 3, folds: 3, bags: 2 },
                    calibrator: calibrators[i % 3],
                    min_rows: 5,
                };
                let mut sample = sample();
                if method == Method::Propensity {
                    sample.outcomes.remove(0);
                }
                let work = Work { threads: 1, stopped: &AtomicBool::new(false), on_fit: &|| () };
                models.push(train(&sample, &settings, work).unwrap());
            }
        }
        models
    }

    fn heads(model: &Model) -> usize {
        model.members[0].heads.len()
    }

    #[test]
    fn models_come_back() {
        for model in models() {
            let mut bytes = vec![];
            model.write(&mut bytes);
            let read = Model::read(&bytes, FEATURES, heads(&model)).unwrap();
            assert_eq!(read, model);
            assert!(Model::read(&bytes, FEATURES + 1, heads(&model)).is_none());
            assert!(Model::read(&bytes, FEATURES, heads(&model) + 1).is_none());
        }
    }

    /// Bytes that were tampered with are refused, or are a model that can be asked without a panic.
    #[test]
    fn no_bytes_are_a_panic() {
        let sample = sample();
        let mut draws = Draws::new(5);
        for model in models() {
            let mut bytes = vec![];
            model.write(&mut bytes);
            for end in (0..bytes.len()).step_by(7) {
                assert!(Model::read(&bytes[..end], FEATURES, heads(&model)).is_none());
            }
            for _ in 0..1500 {
                let mut other = bytes.clone();
                for _ in 0..1 + (draws.uniform() * 3.0) as usize {
                    let at = (draws.uniform() * other.len() as f64) as usize;
                    other[at] = (draws.uniform() * 256.0) as u8;
                }
                if let Some(read) = Model::read(&other, FEATURES, heads(&model)) {
                    let said = read.predict(&sample.features, Some(&sample.keys), 0, 1).unwrap();
                    assert_eq!(said.bags.len(), 2);
                    read.predict(&sample.features, None, 0, 1).unwrap();
                }
            }
        }
    }
}
