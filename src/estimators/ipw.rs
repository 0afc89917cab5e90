//! Inverse propensity weighting of arms: the mean of one arm and the effect of a treatment.
//!
//! Estimand: the mean outcome if all were in the arm, or the effect `E[h(x) (Y(1) - Y(0))] / E[h(x)]` with the
//! tilt `h` = 1 (ate), `e` (att), `1 - e` (atc), `e (1 - e)` (overlap), `e` being P(treated).
//! Estimators: Hájek, the weighted mean `sum w Y / sum w`; Horvitz-Thompson, `(1/n) sum w Y`.
//! Holds when: propensities are those of the assignment and lie strictly between 0 and 1.
//! Sources: Horvitz and Thompson (1952); Hájek (1971); Li, Morgan and Zaslavsky (2018) for the tilts.

use super::statistic::{Linear, OneArm, Outcome, Solution, Statistic};

/// How weighted outcomes become a mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Weighting {
    /// Divided by the sum of the weights.
    Hajek,
    /// Divided by the number of rows.
    HorvitzThompson,
}

impl Weighting {
    /// Reads the word of an option; the default is Hájek.
    pub(crate) fn from_option(word: &str) -> Self {
        match word {
            "horvitz_thompson" => Self::HorvitzThompson,
            _ => Self::Hajek,
        }
    }
}

/// The mean outcome of an arm. Columns: outcome, propensity of the arm, received (1 when the row got the arm).
#[derive(Clone, Debug)]
pub(crate) struct IpwMean {
    pub(crate) weighting: Weighting,
}

impl Statistic for IpwMean {
    type Row = [f64; 3];
    /// `w, w Y` with `w = received / propensity`.
    type Sums = OneArm<2, 3>;

    #[inline]
    fn terms(&self, &[outcome, propensity, received]: &[f64; 3]) -> [f64; 2] {
        let weight = received / propensity;
        [weight, weight * outcome]
    }

    fn outcome(&self) -> Option<Outcome> {
        (self.weighting == Weighting::Hajek).then_some(Outcome { argument: 0, weighted: &[(1, 0)] })
    }

    fn solve(&self, sums: &Self::Sums, origin: f64) -> Option<Solution<[[f64; 2]; 1]>> {
        let [weight, weighted] = sums.means()?;
        if weight == 0.0 {
            return None;
        }
        Some(Solution::Smooth(match self.weighting {
            Weighting::Hajek => {
                let mean = weighted_mean(weight, weighted);
                Linear { value: mean.value + origin, gradient: [mean.gradient] }
            }
            Weighting::HorvitzThompson => Linear { value: weighted, gradient: [[0.0, 1.0]] },
        }))
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0)
    }
}

/// The ratio `mean(w y) / mean(w)` with its derivatives by `mean(w)` and `mean(w y)`.
pub(super) fn weighted_mean(weight: f64, weighted: f64) -> Linear<[f64; 2]> {
    let value = weighted / weight;
    Linear { value, gradient: [-value / weight, 1.0 / weight] }
}

/// Whose effect is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Estimand {
    /// Everybody's.
    Ate,
    /// The treated's.
    Att,
    /// The controls'.
    Atc,
    /// Weighted by `e (1 - e)`: where both arms occur.
    Overlap,
}

impl Estimand {
    /// Reads the word of an option; the default is everybody.
    pub(crate) fn from_option(word: &str) -> Self {
        match word {
            "att" => Self::Att,
            "atc" => Self::Atc,
            "overlap" => Self::Overlap,
            _ => Self::Ate,
        }
    }

    /// The weights `h / e` of a treated row and `h / (1 - e)` of a control row, zero for the other arm.
    #[inline]
    pub(super) fn arm_weights(self, treated: f64, propensity: f64) -> [f64; 2] {
        let (e, control) = (propensity, 1.0 - treated);
        match self {
            Self::Ate => {
                // One division for both arms: it is what takes longest in a row.
                let weight = 1.0 / (treated * e + control * (1.0 - e));
                [treated * weight, control * weight]
            }
            Self::Att => [treated, control * e / (1.0 - e)],
            Self::Atc => [treated * (1.0 - e) / e, control],
            Self::Overlap => [treated * (1.0 - e), control * e],
        }
    }

    /// The tilt `h(e)`.
    #[inline]
    pub(super) fn tilt(self, propensity: f64) -> f64 {
        match self {
            Self::Ate => 1.0,
            Self::Att => propensity,
            Self::Atc => 1.0 - propensity,
            Self::Overlap => propensity * (1.0 - propensity),
        }
    }
}

/// The effect of a treatment. Columns: outcome, treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct IpwAte {
    pub(crate) estimand: Estimand,
    pub(crate) weighting: Weighting,
}

impl Statistic for IpwAte {
    type Row = [f64; 3];
    /// Hájek: `a, a Y, b, b Y`. Horvitz-Thompson: `a, (a - b) Y, b, h`.
    type Sums = OneArm<4, 10>;

    const TESTED: bool = true;

    #[inline]
    fn terms(&self, &[outcome, treated, propensity]: &[f64; 3]) -> [f64; 4] {
        let [a, b] = self.estimand.arm_weights(treated, propensity);
        match self.weighting {
            Weighting::Hajek => [a, a * outcome, b, b * outcome],
            Weighting::HorvitzThompson => [a, (a - b) * outcome, b, self.estimand.tilt(propensity)],
        }
    }

    fn outcome(&self) -> Option<Outcome> {
        (self.weighting == Weighting::Hajek).then_some(Outcome { argument: 0, weighted: &[(1, 0), (3, 2)] })
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 4]; 1]>> {
        let [a, second, b, fourth] = sums.means()?;
        if a == 0.0 || b == 0.0 {
            return None;
        }
        Some(Solution::Smooth(match self.weighting {
            Weighting::Hajek => {
                let (treated, control) = (weighted_mean(a, second), weighted_mean(b, fourth));
                let ([ga, gay], [gb, gby]) = (treated.gradient, control.gradient);
                Linear { value: treated.value - control.value, gradient: [[ga, gay, -gb, -gby]] }
            }
            Weighting::HorvitzThompson => {
                let ratio = weighted_mean(fourth, second);
                let [by_tilt, by_contrast] = ratio.gradient;
                Linear { value: ratio.value, gradient: [[0.0, by_contrast, 0.0, by_tilt]] }
            }
        }))
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0) + sums.kish(2)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::estimators::laws::{column_rows, infer_plain};

    /// Fixture A of the definitions: T, Y, e, q1, q0.
    pub(in crate::estimators) const FIXTURE_A: [[f64; 5]; 8] = [
        [1.0, 3.0, 0.5, 3.0, 1.0],
        [0.0, 1.0, 0.5, 2.0, 1.0],
        [1.0, 4.0, 0.8, 4.0, 2.0],
        [0.0, 1.0, 0.4, 2.0, 1.0],
        [1.0, 5.0, 0.6, 4.0, 3.0],
        [0.0, 2.0, 0.3, 2.0, 1.0],
        [0.0, 0.0, 0.5, 1.0, 0.0],
        [1.0, 2.0, 0.5, 3.0, 1.0],
    ];

    #[test]
    fn fixture_a() {
        let rows = column_rows(&FIXTURE_A.map(|[t, y, e, ..]| [y, t, e]));
        let cases = [
            (Estimand::Ate, Weighting::Hajek, 2.4540309, 0.7180938),
            (Estimand::Ate, Weighting::HorvitzThompson, 2.1011905, 1.5003896),
            (Estimand::Att, Weighting::Hajek, 2.684615, 0.687803),
            (Estimand::Atc, Weighting::Hajek, 2.2, 0.735198),
            (Estimand::Overlap, Weighting::Hajek, 2.430147, 0.733945),
        ];
        for (estimand, weighting, estimate, std_error) in cases {
            let got = infer_plain(&IpwAte { estimand, weighting }, &rows);
            assert!((got.estimate.unwrap() - estimate).abs() < 1e-6, "{estimand:?} {got:?}");
            assert!((got.std_error.unwrap() - std_error).abs() < 1e-6, "{estimand:?} {got:?}");
        }
    }

    #[test]
    fn outcomes_far_from_zero_keep_their_error() {
        let near = FIXTURE_A.map(|[t, y, e, ..]| [y, t, e]);
        let far = near.map(|[y, t, e]| [y + 1e9, t, e]);
        let statistic = IpwAte { estimand: Estimand::Ate, weighting: Weighting::Hajek };
        let near = infer_plain(&statistic, &column_rows(&near));
        let far = infer_plain(&statistic, &column_rows(&far));
        assert!((near.std_error.unwrap() - far.std_error.unwrap()).abs() < 1e-6);
        assert!((near.estimate.unwrap() - far.estimate.unwrap()).abs() < 1e-6);
    }
}
