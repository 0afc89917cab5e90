//! Relative lift of a treatment: the effect as a share of the control mean.
//!
//! Estimand: `E[Y(1)] / E[Y(0)] - 1`. Estimator: the ratio of the arm means, plain or Hájek-weighted, minus one.
//! The interval is Fieller's at every strength of the control mean, the standard error the delta method's; the
//! p-value inverts the interval: it is the test of equal means.
//! Sources: Fieller (1954); Deng, Knoblich and Lu (2018).

use super::difference::DifferenceInMeans;
use super::inference::Interval;
use super::ipw::{Estimand, IpwAte, Weighting, weighted_mean};
use super::statistic::{Linear, OneArm, Outcome, Solution, Statistic, TwoArms};

/// Lift of plain arm means. Columns: outcome, treated.
#[derive(Clone, Debug)]
pub(crate) struct RelativeLift;

impl Statistic for RelativeLift {
    type Row = [f64; 2];
    type Sums = TwoArms<1, 1>;

    const INTERVAL: Interval = Interval::Fieller;
    const TESTED: bool = true;

    fn arm(&self, row: &[f64; 2]) -> usize {
        DifferenceInMeans.arm(row)
    }

    fn terms(&self, row: &[f64; 2]) -> [f64; 1] {
        DifferenceInMeans.terms(row)
    }

    fn solve(&self, sums: &Self::Sums, _origin: f64) -> Option<Solution<[[f64; 1]; 2]>> {
        let [[control], [treated]] = sums.arm_means()?;
        (control != 0.0).then_some(Solution::Ratio {
            numerator: Linear { value: treated, gradient: [[0.0], [1.0]] },
            denominator: Linear { value: control, gradient: [[1.0], [0.0]] },
            offset: -1.0,
        })
    }
}

/// Lift of Hájek-weighted arm means. Columns: outcome, treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct WeightedRelativeLift;

/// The statistic whose terms the weighted lift is another function of.
const WEIGHTED: IpwAte = IpwAte { estimand: Estimand::Ate, weighting: Weighting::Hajek };

impl Statistic for WeightedRelativeLift {
    type Row = [f64; 3];
    type Sums = OneArm<4, 10>;

    const INTERVAL: Interval = Interval::Fieller;
    const TESTED: bool = true;
    const APART: usize = 2;

    #[inline]
    fn terms(&self, row: &[f64; 3]) -> [f64; 4] {
        WEIGHTED.terms(row)
    }

    fn outcome(&self) -> Option<Outcome> {
        WEIGHTED.outcome()
    }

    fn solve(&self, sums: &Self::Sums, origin: f64) -> Option<Solution<[[f64; 4]; 1]>> {
        let [a, ay, b, by] = sums.means()?;
        if a == 0.0 || b == 0.0 {
            return None;
        }
        let (treated, control) = (weighted_mean(a, ay), weighted_mean(b, by));
        let ([ga, gay], [gb, gby]) = (treated.gradient, control.gradient);
        let denominator = control.value + origin;
        (denominator != 0.0).then_some(Solution::Ratio {
            numerator: Linear { value: treated.value + origin, gradient: [[ga, gay, 0.0, 0.0]] },
            denominator: Linear { value: denominator, gradient: [[0.0, 0.0, gb, gby]] },
            offset: -1.0,
        })
    }

    fn effective_sample_size(&self, sums: &Self::Sums) -> f64 {
        WEIGHTED.effective_sample_size(sums)
    }
}
