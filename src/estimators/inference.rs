//! From an estimate and its influence values to error, interval and test.

use super::bootstrap::Resampling;
use super::bounded::{Bounds, empirical_bernstein, hoeffding};
use super::statistic::{Linear, Solution, Statistic, Sums};
use crate::math::{fieller_reach, normal_quantile, normal_two_sided, t_quantile, t_two_sided};

/// The whole inference of an estimator: what `f_ci` returns. `None` is NULL.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Inference {
    pub(crate) estimate: Option<f64>,
    pub(crate) std_error: Option<f64>,
    pub(crate) ci_low: Option<f64>,
    pub(crate) ci_high: Option<f64>,
    /// Two-sided, for "= 0"; `None` where there is no such hypothesis.
    pub(crate) p_value: Option<f64>,
    /// Rows used.
    pub(crate) n: u64,
    /// Rows left out.
    pub(crate) n_skipped: u64,
    /// Kish's effective sample size.
    pub(crate) ess: Option<f64>,
    /// What the estimator has to tell beside, in the order of the names in its function's definition.
    pub(crate) appended: Appended,
}

/// Numbers behind the fields of every inference.
pub(crate) type Appended = [Option<f64>; 3];

/// Kinds of confidence interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Interval {
    /// Estimate and normal quantile.
    Normal,
    /// Estimate and t quantile.
    T,
    /// Fieller's set, for ratios.
    Fieller,
    /// From the variance and the range of the scores.
    EmpiricalBernstein,
    /// From the range of the scores alone.
    Hoeffding,
    /// Of a share of successes, for weighted rewards.
    ClopperPearson,
    /// From empirical likelihood, for weighted rewards.
    CressieRead,
    /// Quantiles of the estimates of samples that are drawn from the clusters.
    Bootstrap(Resampling),
}

/// How the caller wants the interval.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IntervalSettings {
    alpha: f64,
    /// Upper tail probability of one side, `1 - alpha / 2`.
    upper: f64,
    /// Normal quantile at `upper`.
    normal: f64,
    /// The kind asked for, `None` for the estimator's own.
    interval: Option<Interval>,
    bounds: Bounds,
}

impl Default for IntervalSettings {
    fn default() -> Self {
        Self::new(0.05, None, Bounds { reward: None, weight: f64::INFINITY })
    }
}

impl IntervalSettings {
    /// Settings for miscoverage `alpha` in (0, 1).
    pub(crate) fn new(alpha: f64, interval: Option<Interval>, bounds: Bounds) -> Self {
        let upper = 1.0 - alpha / 2.0;
        Self { alpha, upper, normal: normal_quantile(upper), interval, bounds }
    }

    /// The kind asked for, if it follows from known ranges.
    pub(super) fn bounded(&self) -> Option<Interval> {
        self.interval.filter(|interval| {
            matches!(
                interval,
                Interval::EmpiricalBernstein
                    | Interval::Hoeffding
                    | Interval::ClopperPearson
                    | Interval::CressieRead
            )
        })
    }

    /// What is drawn anew, for bootstrap intervals.
    pub(super) fn resampling(&self) -> Option<Resampling> {
        match self.interval {
            Some(Interval::Bootstrap(resampling)) => Some(resampling),
            _ => None,
        }
    }

    /// Miscoverage of the interval.
    pub(super) fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Why the interval cannot be had for a statistic of independent rows.
    pub(super) fn missing<S: Statistic>(&self, statistic: &S) -> Option<&'static str> {
        if self.resampling().is_some() {
            return Some("needs cluster: the column of the units that are drawn anew");
        }
        match self.bounded()? {
            Interval::CressieRead if self.bounds.reward.is_some() => None,
            _ if statistic.score_range(&self.bounds).is_some() => None,
            _ if self.bounds.reward.is_none() => Some("needs reward_range: the rewards that can be"),
            _ => Some("needs max_weight: the largest weight that can be; or clip, which makes it so"),
        }
    }
}

/// Variances of linearised values, plain or clustered.
pub(crate) trait Errors<G> {
    /// Covariance of two linearised values; `None` with too few rows or clusters.
    fn covariance(&self, a: &G, b: &G) -> Option<f64>;
    /// Degrees of freedom of clustered errors.
    fn cluster_df(&self) -> Option<f64>;
}

/// The reference distribution of an interval and its test.
#[derive(Clone, Copy)]
enum Reference {
    Normal,
    T(f64),
}

impl Reference {
    fn critical(self, settings: &IntervalSettings) -> Option<f64> {
        match self {
            Self::Normal => Some(settings.normal),
            Self::T(df) => t_quantile(settings.upper, df),
        }
    }

    fn p_value(self, z: f64) -> Option<f64> {
        match self {
            Self::Normal => Some(normal_two_sided(z)),
            Self::T(df) => t_two_sided(z, df),
        }
    }
}

/// Makes the inference of a statistic from its sums and its errors.
pub(crate) fn infer<S: Statistic>(
    statistic: &S,
    sums: &S::Sums,
    origin: f64,
    n_skipped: u64,
    errors: &impl Errors<<S::Sums as Sums>::Gradient>,
    settings: &IntervalSettings,
) -> Inference {
    let n = sums.count();
    let mut inference = Inference {
        n: n as u64,
        n_skipped,
        ess: (n > 0.0).then(|| statistic.effective_sample_size(sums)).filter(|ess| ess.is_finite()),
        ..Inference::default()
    };
    inference.appended = statistic.appended(sums, errors);
    let Some(solution) = statistic.solve(sums, origin) else {
        return inference;
    };
    let linear = solution.linear::<S::Sums>();
    // Sums beyond the range of numbers say nothing.
    inference.estimate = Some(linear.value).filter(|value| value.is_finite());
    // The smallest numbers round to either side of zero.
    let variance = errors
        .covariance(&linear.gradient, &linear.gradient)
        .map(|variance| if variance.is_nan() { f64::INFINITY } else { variance.max(0.0) });
    if let Some(kind) = settings.bounded() {
        let variance = variance.filter(|variance| variance.is_finite());
        inference.std_error = variance.map(f64::sqrt);
        let ends = inference
            .estimate
            .and_then(|_| bounded_interval(statistic, sums, linear.value, variance, kind, settings));
        if let Some((low, high)) = ends {
            (inference.ci_low, inference.ci_high) = (Some(low), Some(high));
        }
        return inference;
    }
    let Some(variance) = variance.filter(|variance| inference.estimate.is_some() && variance.is_finite())
    else {
        return inference;
    };
    let std_error = variance.sqrt();
    inference.std_error = Some(std_error);

    let kind = settings.interval.unwrap_or(S::INTERVAL);
    let reference = match (settings.interval, kind, errors.cluster_df()) {
        (Some(Interval::Normal), ..) => Reference::Normal,
        (_, _, Some(df)) => Reference::T(df),
        (_, Interval::T, None) => match sums.welch_df(&linear.gradient) {
            Some(df) if S::WELCH => Reference::T(df),
            _ => Reference::T(n - 1.0),
        },
        _ => Reference::Normal,
    };
    let Some(critical) = reference.critical(settings) else {
        return inference;
    };
    let (low, high) = match (kind, solution) {
        (Interval::Fieller, Solution::Ratio { numerator, denominator, offset }) => {
            let Some(((below, above), p_value)) =
                fieller::<S>(numerator, denominator, offset, errors, critical, reference)
            else {
                return inference;
            };
            inference.p_value = p_value.filter(|_| S::TESTED);
            (linear.value + below, linear.value + above)
        }
        _ => {
            if S::TESTED && std_error > 0.0 {
                inference.p_value = reference.p_value(linear.value / std_error);
            }
            (linear.value - critical * std_error, linear.value + critical * std_error)
        }
    };
    (inference.ci_low, inference.ci_high) = (Some(low), Some(high));
    inference
}

/// The interval of a mean of scores from what was known of them.
fn bounded_interval<S: Statistic>(
    statistic: &S,
    sums: &S::Sums,
    value: f64,
    variance: Option<f64>,
    kind: Interval,
    settings: &IntervalSettings,
) -> Option<(f64, f64)> {
    let IntervalSettings { alpha, bounds, .. } = *settings;
    let n = sums.count();
    let reach = match kind {
        Interval::CressieRead => {
            return statistic.weighted_rewards(sums)?.cressie_read(
                bounds.reward?,
                statistic.largest_weight(&bounds),
                alpha,
            );
        }
        Interval::ClopperPearson => {
            let weight = statistic.largest_weight(&bounds);
            return Some(statistic.weighted_rewards(sums)?.clopper_pearson(bounds.reward?, weight, alpha));
        }
        kind => {
            let [low, high] = statistic.score_range(&bounds)?;
            match kind {
                Interval::EmpiricalBernstein => empirical_bernstein(variance? * n, n, high - low, alpha),
                _ => hoeffding(n, high - low, alpha),
            }
        }
    };
    Some((value - reach, value + reach))
}

/// What is known of an estimate that is not a function of means.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Summary {
    pub(crate) estimate: Option<f64>,
    pub(crate) variance: Option<f64>,
    /// Degrees of freedom of clustered errors.
    pub(crate) cluster_df: Option<f64>,
    pub(crate) n: u64,
    pub(crate) n_skipped: u64,
    pub(crate) ess: Option<f64>,
    /// Whether "= 0" is no hypothesis worth a test.
    pub(crate) is_untested: bool,
}

/// Makes the inference of an estimate from its error: normal, or t with clusters.
pub(crate) fn summarise(summary: Summary, settings: &IntervalSettings) -> Inference {
    let Summary { n, n_skipped, ess, .. } = summary;
    let ess = ess.filter(|ess| ess.is_finite());
    let mut inference = Inference { n, n_skipped, ess, ..Inference::default() };
    inference.estimate = summary.estimate.filter(|estimate| estimate.is_finite());
    let variance = summary.variance.filter(|variance| variance.is_finite());
    let Some((estimate, variance)) = inference.estimate.zip(variance) else {
        return inference;
    };
    let std_error = variance.sqrt();
    inference.std_error = Some(std_error);
    let reference = match (settings.interval, summary.cluster_df) {
        (Some(Interval::Normal), _) => Reference::Normal,
        (_, Some(df)) => Reference::T(df),
        (Some(Interval::T), None) => Reference::T(n as f64 - 1.0),
        _ => Reference::Normal,
    };
    if let Some(critical) = reference.critical(settings) {
        inference.ci_low = Some(estimate - critical * std_error);
        inference.ci_high = Some(estimate + critical * std_error);
    }
    if std_error > 0.0 && !summary.is_untested {
        inference.p_value = reference.p_value(estimate / std_error);
    }
    inference
}

/// How far Fieller's set of `U / V` reaches around it, and the test that inverts it: of `U + offset V = 0`.
fn fieller<S: Statistic>(
    numerator: Linear<<S::Sums as Sums>::Gradient>,
    denominator: Linear<<S::Sums as Sums>::Gradient>,
    offset: f64,
    errors: &impl Errors<<S::Sums as Sums>::Gradient>,
    critical: f64,
    reference: Reference,
) -> Option<((f64, f64), Option<f64>)> {
    let variance = |gradient| errors.covariance(gradient, gradient);
    let ratio = numerator.value / denominator.value;
    let residual = S::Sums::combine(1.0, &numerator.gradient, -ratio, &denominator.gradient);
    let reach = fieller_reach(
        (denominator.value, variance(&denominator.gradient)?),
        variance(&residual)?,
        errors.covariance(&residual, &denominator.gradient)?,
        critical,
    );
    let contrast = S::Sums::combine(1.0, &numerator.gradient, offset, &denominator.gradient);
    let std_error = variance(&contrast)?.sqrt();
    let p_value = (std_error > 0.0)
        .then(|| (numerator.value + offset * denominator.value) / std_error)
        .and_then(|z| reference.p_value(z));
    Some((reach, p_value))
}

impl<G: Copy> Solution<G> {
    /// The estimate and the gradient of its influence: of a ratio `R`, `(g_U - R g_V) / V`.
    pub(crate) fn linear<T: Sums<Gradient = G>>(&self) -> Linear<G> {
        match self {
            Self::Smooth(linear) => *linear,
            Self::Ratio { numerator, denominator, offset } => {
                let ratio = numerator.value / denominator.value;
                let scale = 1.0 / denominator.value;
                Linear {
                    // Not `ratio + offset`, which cancels when the lift is small.
                    value: (numerator.value + offset * denominator.value) / denominator.value,
                    gradient: T::combine(scale, &numerator.gradient, -ratio * scale, &denominator.gradient),
                }
            }
        }
    }
}
