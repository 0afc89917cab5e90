//! Where a leaf is split best.

use super::cell::{Cell, Sums, Units};
use super::histogram::Histogram;
use super::numeric::{Prefixes, best_edge};
use super::settings::Settings;
use super::subset::best_subset;
use super::tree::BinSet;
use crate::learners::binning::Binning;

/// A second derivative that a leaf has at least, so that a step is finite.
const MIN_HESSIAN: f64 = 1e-3;

/// Which rows of a leaf go left.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    AtMost { bin: u8, null_left: bool },
    In(BinSet),
}

/// Values that a leaf may have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Bounds {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Bounds {
    pub(super) const NONE: Self = Self { low: f64::NEG_INFINITY, high: f64::INFINITY };

    /// The bounds on both sides of a split: a monotone feature keeps them apart in the middle of their values.
    pub(super) fn below(self, split: &Found, monotone: i8) -> [Self; 2] {
        let middle = split.values[0] / 2.0 + split.values[1] / 2.0;
        match monotone {
            0 => [self, self],
            1.. => [Self { high: middle, ..self }, Self { low: middle, ..self }],
            _ => [Self { low: middle, ..self }, Self { high: middle, ..self }],
        }
    }
}

/// A split that was found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) gain: f64,
    pub(super) feature: u32,
    pub(super) rule: Rule,
    /// Sums of the rows that go left, and right.
    pub(super) sums: [Sums; 2],
    /// Values of both leaves, before shrinkage.
    pub(super) values: [f64; 2],
    /// Whether a monotone feature orders the two.
    pub(super) monotone: i8,
}

/// What a leaf has to be.
#[derive(Clone, Copy)]
pub(super) struct Rules {
    pub(super) l2: f64,
    pub(super) min_weight: f64,
    pub(super) min_hessian: f64,
    pub(super) bounds: Bounds,
}

impl Rules {
    /// The value of a leaf.
    pub(super) fn value(&self, sums: &Sums) -> f64 {
        let value = sums.gradient / (sums.hessian + self.l2).max(f64::MIN_POSITIVE);
        value.max(self.bounds.low).min(self.bounds.high)
    }

    /// By how much a leaf lowers twice the loss at a value.
    pub(super) fn score(&self, sums: &Sums, value: f64) -> f64 {
        (2.0 * sums.gradient - (sums.hessian + self.l2) * value) * value
    }

    pub(super) fn allow(&self, sums: &Sums) -> bool {
        sums.weight >= self.min_weight && sums.hessian >= self.min_hessian
    }
}

/// A leaf that may be split.
pub(super) struct Leaf<'a, C> {
    pub(super) histogram: &'a Histogram<C>,
    pub(super) sums: Sums,
    pub(super) bounds: Bounds,
}

/// What splits are looked for with, in all leaves of a tree.
pub(super) struct Search<'a> {
    pub(super) binning: &'a Binning,
    pub(super) settings: &'a Settings,
    pub(super) units: Units,
    /// Features that the tree may split.
    pub(super) features: Vec<u32>,
}

impl Search<'_> {
    pub(super) fn rules<C: Cell>(&self, bounds: Bounds) -> Rules {
        Rules {
            l2: self.settings.l2.max(0.0),
            min_weight: self.settings.min_leaf_rows.max(self.units.weight),
            min_hessian: if C::HAS_HESSIAN { MIN_HESSIAN } else { 0.0 },
            bounds,
        }
    }

    /// Whether there may be a split of such sums.
    pub(super) fn may_split<C: Cell>(&self, sums: &Sums) -> bool {
        let rules = self.rules::<C>(Bounds::NONE);
        sums.weight >= 2.0 * rules.min_weight && sums.hessian >= 2.0 * rules.min_hessian
    }

    /// The split that gains most; of equal ones that of the first feature.
    pub(super) fn best<C: Cell>(&self, leaf: &Leaf<C>) -> Option<Found> {
        let rules = self.rules::<C>(leaf.bounds);
        let unsplit = rules.score(&leaf.sums, rules.value(&leaf.sums));
        let least = unsplit + self.settings.min_gain.max(unsplit.abs() * 1e-12);
        let mut prefixes = Prefixes::new();
        let mut best: Option<Found> = None;
        for &feature in &self.features {
            let bins = &self.binning.features[feature as usize];
            let cells = &leaf.histogram.of(feature as usize)[..bins.count()];
            let least = best.as_ref().map_or(least, |best| best.gain);
            let found = if bins.is_categorical() {
                best_subset(cells, &leaf.sums, &rules, &self.units)
            } else {
                let monotone = self.settings.monotone.get(feature as usize).copied().unwrap_or(0);
                best_edge(cells, &leaf.sums, &rules, &self.units, monotone, &mut prefixes)
            };
            if let Some(found) = found.filter(|found| found.gain > least) {
                best = Some(Found { feature, ..found });
            }
        }
        best.map(|found| Found { gain: found.gain - unsplit, ..found })
    }
}
