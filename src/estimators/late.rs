//! Effect on those who comply with their assignment (LATE), by the Wald ratio.
//!
//! Estimand: the mean effect of receiving the treatment on those who receive it exactly when assigned. Estimator: the
//! effect of the assignment on the outcome over its effect on receipt.
//! The interval is Anderson and Rubin's at every strength of the first stage, the standard error the delta method's; the
//! p-value inverts the interval: it is the test of no effect of the assignment.
//! Holds when: assignment was randomised, works through receipt alone, and makes nobody refuse.
//! Sources: Imbens and Angrist (1994); Anderson and Rubin (1949).

use super::inference::{Appended, Errors, Interval};
use super::statistic::{Linear, Solution, Statistic, TwoArms};

/// Columns: outcome, assigned, received.
#[derive(Clone, Debug)]
pub(crate) struct Late;

impl Late {
    /// What [`Statistic::appended`] appends.
    pub(crate) const APPENDED: &[&str] = &["first_stage", "first_stage_f", "complier_share"];
}

impl Statistic for Late {
    type Row = [f64; 3];
    /// Outcome and receipt.
    type Sums = TwoArms<2, 3>;

    const INTERVAL: Interval = Interval::Fieller;
    const TESTED: bool = true;

    fn arm(&self, &[_, assigned, _]: &[f64; 3]) -> usize {
        usize::from(assigned == 1.0)
    }

    fn terms(&self, &[outcome, _, received]: &[f64; 3]) -> [f64; 2] {
        [outcome, received]
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 2]; 2]>> {
        let [by_outcome, by_receipt] = sums.effects()?;
        (by_receipt != 0.0).then_some(Solution::Ratio {
            numerator: Linear { value: by_outcome, gradient: [[-1.0, 0.0], [1.0, 0.0]] },
            denominator: Linear { value: by_receipt, gradient: FIRST_STAGE },
            offset: 0.0,
        })
    }

    /// The effect on receipt, its F statistic, and the share of compliers: the same effect, where it can be a share.
    fn appended(&self, sums: &Self::Sums, errors: &impl Errors<[[f64; 2]; 2]>) -> Appended {
        let first_stage = sums.effects().map(|[_, by_receipt]| by_receipt);
        let variance = errors.covariance(&FIRST_STAGE, &FIRST_STAGE).filter(|variance| *variance > 0.0);
        let f = first_stage.zip(variance).map(|(effect, variance)| effect * effect / variance);
        [first_stage, f, first_stage.filter(|share| *share >= 0.0)]
    }
}

/// How the first stage follows from the arms' means.
const FIRST_STAGE: [[f64; 2]; 2] = [[0.0, -1.0], [0.0, 1.0]];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimators::laws::{column_rows, infer_plain};
    use crate::estimators::{DifferenceInMeans, Inference};

    #[test]
    fn full_compliance_is_the_difference_in_means() {
        let rows = [[1.0, 0.0], [2.0, 0.0], [4.0, 1.0], [7.0, 1.0], [5.0, 1.0]];
        let late = infer_plain(&Late, &column_rows(&rows.map(|[y, z]| [y, z, z])));
        let plain = infer_plain(&DifferenceInMeans, &column_rows(&rows));
        assert_eq!((late.estimate, late.std_error), (plain.estimate, plain.std_error));
        assert_eq!(late.appended, [Some(1.0), None, Some(1.0)]);
    }

    #[test]
    fn without_a_first_stage_there_is_no_effect() {
        let rows = [[1.0, 0.0, 1.0], [2.0, 0.0, 0.0], [4.0, 1.0, 1.0], [7.0, 1.0, 0.0]];
        let Inference { estimate, appended, .. } = infer_plain(&Late, &column_rows(&rows));
        assert_eq!((estimate, appended), (None, [Some(0.0), Some(0.0), Some(0.0)]));
    }
}
