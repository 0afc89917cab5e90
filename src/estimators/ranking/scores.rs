//! Row scores whose mean is the effect of the treatment.

use super::rows::{Dependence, Scored};
use crate::estimators::aggregate::Rows;

/// Where the scores of rows come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scores {
    /// Rows bring their own.
    Given,
    /// Horvitz and Thompson's about the arms' Hájek means, which a constant added to the outcome leaves as it is.
    Centred,
    /// Horvitz and Thompson's.
    HorvitzThompson,
}

impl Scores {
    /// Reads the word of an option; the default is centred.
    pub(crate) fn from_option(word: &str) -> Self {
        match word {
            "horvitz_thompson" => Self::HorvitzThompson,
            _ => Self::Centred,
        }
    }

    /// What is kept of row `i`. Columns: prediction, outcome or score, treated, propensity.
    #[inline]
    pub(super) fn read<D: Dependence>(self, rows: &Rows<'_>, i: usize) -> Scored<D> {
        let [prediction, outcome, treated, propensity] =
            std::array::from_fn(|column| rows.columns[column][i]);
        Scored { prediction, outcome, weight: self.weight(treated, propensity), dependence: D::read(rows, i) }
    }

    /// What is kept of row `i` with two outcomes. Columns: prediction, value, cost (or their scores), treated, propensity.
    pub(super) fn read_pair<D: Dependence>(self, rows: &Rows<'_>, i: usize) -> Scored<D, [f64; 2]> {
        let [prediction, value, cost, treated, propensity] =
            std::array::from_fn(|column| rows.columns[column][i]);
        let (outcome, weight) = ([value, cost], self.weight(treated, propensity));
        Scored { prediction, outcome, weight, dependence: D::read(rows, i) }
    }

    #[inline]
    fn weight(self, treated: f64, propensity: f64) -> f64 {
        match self {
            Self::Given => 0.0,
            _ if treated == 1.0 => 1.0 / propensity,
            _ => -1.0 / (1.0 - propensity),
        }
    }
}

/// Scores that are known: with the arms' means where they are about those.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scorer {
    scores: Scores,
    effect: f64,
    /// Means of the controls and of the treated.
    means: [f64; 2],
    /// Kish's effective sample size.
    pub(super) ess: f64,
}

/// Sums of the weights of an arm.
#[derive(Clone, Copy, Default)]
pub(super) struct Weights {
    pub(super) sum: f64,
    pub(super) squares: f64,
    /// Of the outcomes less an origin.
    pub(super) weighted: f64,
}

impl Scorer {
    /// Looks at all rows; `None` when an arm has none.
    pub(super) fn new<D>(scores: Scores, rows: &[Scored<D>]) -> Option<Self> {
        Self::of(scores, rows, |row| row.outcome)
    }

    /// Of one of several outcomes.
    pub(super) fn of<D, Y>(
        scores: Scores,
        rows: &[Scored<D, Y>],
        outcome: impl Fn(&Scored<D, Y>) -> f64,
    ) -> Option<Self> {
        let origin = outcome(rows.first()?);
        let mut arms = [Weights::default(); 2];
        if scores != Scores::Given {
            for row in rows {
                let arm = &mut arms[usize::from(row.weight > 0.0)];
                let weight = row.weight.abs();
                arm.sum += weight;
                arm.squares += weight * weight;
                arm.weighted += weight * (outcome(row) - origin);
            }
        }
        Self::of_weights(scores, rows.len() as f64, arms, origin)
    }

    /// From the weights of `n` rows, of controls and treated; `None` when an arm has none, or there are no rows.
    pub(super) fn of_weights(scores: Scores, n: f64, arms: [Weights; 2], origin: f64) -> Option<Self> {
        if scores == Scores::Given {
            return (n > 0.0).then_some(Self { scores, effect: 0.0, means: [0.0; 2], ess: n });
        }
        if arms.iter().any(|arm| arm.sum == 0.0) {
            return None;
        }
        let [control, treated] = arms.map(|arm| arm.weighted / arm.sum);
        Some(Self {
            scores,
            effect: treated - control,
            means: [origin + control, origin + treated],
            ess: arms.iter().map(|arm| arm.sum * arm.sum / arm.squares).sum(),
        })
    }

    /// The score as an affine function: a base, and what the outcomes of each arm are about: the origin itself
    /// for scores that are given.
    pub(super) fn base_and_centres(&self, origin: f64) -> (f64, [f64; 2]) {
        match self.scores {
            Scores::Given => (origin, [origin; 2]),
            Scores::HorvitzThompson => (0.0, [0.0; 2]),
            Scores::Centred => (self.effect, self.means),
        }
    }

    #[inline]
    pub(super) fn score<D>(&self, row: &Scored<D>) -> f64 {
        self.score_of(row.outcome, row.weight)
    }

    #[inline]
    pub(super) fn score_of(&self, outcome: f64, weight: f64) -> f64 {
        match self.scores {
            Scores::Given => outcome,
            Scores::HorvitzThompson => weight * outcome,
            Scores::Centred => {
                let mean = self.means[usize::from(weight > 0.0)];
                self.effect + weight * (outcome - mean)
            }
        }
    }
}
