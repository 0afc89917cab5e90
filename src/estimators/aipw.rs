//! Augmented inverse propensity weighting (AIPW), the doubly robust effect of a treatment.
//!
//! Estimand: the effect in everybody, the treated, the controls or the overlap, as for IPW.
//! Estimator: with outcome predictions `q1, q0`, the ratio `mean g / mean h` of
//! ate: `g = q1 - q0 + T (Y - q1) / e - (1 - T)(Y - q0) / (1 - e)`, `h = 1`;
//! att: `g = T (Y - q0) - (1 - T)(Y - q0) e / (1 - e)`, `h = T`;
//! atc: `g = T (Y - q1)(1 - e) / e - (1 - T)(Y - q1)`, `h = 1 - T`;
//! overlap: `g = h (q1 - q0) + (1 - e) T (Y - q1) - e (1 - T)(Y - q0)`, `h = e (1 - e)`.
//! Holds when: the propensity or the predictions are right, and the predictions were made without the row.
//! Sources: Robins, Rotnitzky and Zhao (1994); Chernozhukov et al. (2018); Li, Morgan and Zaslavsky (2018).

use super::ipw::{Estimand, weighted_mean};
use super::statistic::{Linear, OneArm, Solution, Statistic};

/// Columns: outcome, treated, propensity, mu1, mu0.
#[derive(Clone, Debug)]
pub(crate) struct Aipw {
    pub(crate) estimand: Estimand,
}

/// The score of a row, whose mean is the average effect.
#[inline]
pub(crate) fn aipw_score([outcome, treated, propensity, mu1, mu0]: [f64; 5]) -> f64 {
    mu1 - mu0 + treated * (outcome - mu1) / propensity
        - (1.0 - treated) * (outcome - mu0) / (1.0 - propensity)
}

impl Statistic for Aipw {
    type Row = [f64; 5];
    /// The arms' weights, `g`, `h`.
    type Sums = OneArm<4, 10>;

    const TESTED: bool = true;

    #[inline]
    fn terms(&self, row: &[f64; 5]) -> [f64; 4] {
        let &[outcome, treated, propensity, mu1, mu0] = row;
        let [a, b] = self.estimand.arm_weights(treated, propensity);
        let (g, h) = match self.estimand {
            Estimand::Ate => (mu1 - mu0 + a * (outcome - mu1) - b * (outcome - mu0), 1.0),
            Estimand::Att => ((a - b) * (outcome - mu0), treated),
            Estimand::Atc => ((a - b) * (outcome - mu1), 1.0 - treated),
            Estimand::Overlap => {
                let tilt = self.estimand.tilt(propensity);
                (tilt * (mu1 - mu0) + a * (outcome - mu1) - b * (outcome - mu0), tilt)
            }
        };
        [a, b, g, h]
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 4]; 1]>> {
        let [a, b, g, h] = sums.means()?;
        if a == 0.0 || b == 0.0 {
            return None;
        }
        let ratio = weighted_mean(h, g);
        let [by_h, by_g] = ratio.gradient;
        Some(Solution::Smooth(Linear { value: ratio.value, gradient: [[0.0, 0.0, by_g, by_h]] }))
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        sums.kish(0) + sums.kish(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::ipw::tests::FIXTURE_A;
    use crate::estimators::laws::{column_rows, infer_plain};

    #[test]
    fn fixture_a() {
        let rows = column_rows(&FIXTURE_A.map(|[t, y, e, q1, q0]| [y, t, e, q1, q0]));
        for (estimand, estimate, std_error) in
            [(Estimand::Ate, 1.1547619, 0.3690476), (Estimand::Att, 1.642857, 0.264520)]
        {
            let got = infer_plain(&Aipw { estimand }, &rows);
            assert!((got.estimate.unwrap() - estimate).abs() < 1e-6, "{estimand:?} {got:?}");
            assert!((got.std_error.unwrap() - std_error).abs() < 1e-6, "{estimand:?} {got:?}");
        }
    }
}
