//! Coverage of 95 % intervals in seeded simulations: between 0.93 and 0.97, for independent and for clustered rows.

use super::laws::{Table, column_rows, infer, infer_clustered, infer_plain, infer_resampled};
use super::{
    Aipw, Aucc, Baseline, CalibrationSlope, Convention, CostPerValue, Cuped, DifferenceInMeans, DirectMethod,
    DoublyRobust, DrLift, Estimand, InCluster, Independent, Inference, Ips, IpsLift, IpwAte, IpwMean, Late,
    Mean, Measure, OverRows, Ranking, RatioDifference, RelativeLift, Resampling, Scores, SelfNormalizedDr,
    SelfNormalizedIps, Shrinkage, ShrunkDr, Slope, SlopeForm, Statistic, WeightedCostPerValue,
    WeightedRelativeLift, Weighting,
};
use crate::math::Draws;

const REPLICATES: usize = 1000;
const ROWS: usize = 600;
/// Rows of a ranked sample: a measure that weighs the top has few of them there.
const RANKED_ROWS: usize = 2000;
/// Rows of one cluster in a clustered sample: 120 clusters.
const CLUSTER: usize = 5;

fn bernoulli(draws: &mut Draws, p: f64) -> f64 {
    f64::from(draws.uniform() < p)
}

/// A row of the world: a context, and noise shared by its cluster.
struct Unit {
    x: f64,
    shared: f64,
}

/// The mean of a function of the context, which is uniform on (0, 1).
fn truth(f: impl Fn(f64) -> f64) -> f64 {
    const POINTS: usize = 20_000;
    (0..POINTS).map(|i| f((i as f64 + 0.5) / POINTS as f64)).sum::<f64>() / POINTS as f64
}

/// The share of samples whose interval holds `truth`.
fn coverage<const A: usize>(
    seed: u64,
    count: usize,
    clustered: bool,
    truth: f64,
    infer: impl Fn(&Table) -> (Option<f64>, Option<f64>),
    row: impl Fn(&mut Draws, &Unit) -> [f64; A],
) -> f64 {
    let mut draws = Draws::new(seed);
    let covered = (0..REPLICATES).filter(|_| {
        let mut rows = Vec::with_capacity(count);
        let (mut x, mut shared) = (0.0, 0.0);
        for i in 0..count {
            if i % CLUSTER == 0 || !clustered {
                (x, shared) = (draws.uniform(), draws.normal());
            }
            let own = if clustered { 0.3 * draws.normal() } else { 0.0 };
            rows.push(row(&mut draws, &Unit { x, shared: shared + own }));
        }
        let (low, high) = infer(&column_rows(&rows).in_clusters_of(CLUSTER));
        low.is_some_and(|low| low <= truth) && high.is_some_and(|high| truth <= high)
    });
    covered.count() as f64 / REPLICATES as f64
}

fn assert_covers<S: Statistic, const A: usize>(
    statistic: &S,
    truth: f64,
    row: impl Fn(&mut Draws, &Unit) -> [f64; A],
) {
    let plain = |rows: &Table| {
        let got = infer_plain(statistic, rows);
        (got.ci_low, got.ci_high)
    };
    let clustered = |rows: &Table| {
        let got = infer_clustered(statistic, rows);
        (got.ci_low, got.ci_high)
    };
    let shares = [
        ("independent", coverage(1, ROWS, false, truth, plain, &row)),
        ("clustered", coverage(2, ROWS, true, truth, clustered, &row)),
    ];
    for (rows, share) in shares {
        assert!((0.93..=0.97).contains(&share), "{statistic:?}, {rows} rows: {share}");
    }
}

// The experiment: P(treated) rises with x, and so does the effect 1 + x.

fn propensity(x: f64) -> f64 {
    0.2 + 0.6 * x
}

fn experiment(draws: &mut Draws, unit: &Unit, e: f64) -> [f64; 3] {
    let treated = bernoulli(draws, e);
    [3.0 + unit.x + treated * (1.0 + unit.x) + unit.shared, treated, e]
}

fn observed(draws: &mut Draws, unit: &Unit) -> [f64; 3] {
    experiment(draws, unit, propensity(unit.x))
}

#[test]
fn means() {
    assert_covers(&Mean, truth(|x| 3.0 + x), |_, unit| [3.0 + unit.x + unit.shared]);
    for weighting in [Weighting::Hajek, Weighting::HorvitzThompson] {
        assert_covers(&IpwMean { weighting }, truth(|x| 4.0 + 2.0 * x), |draws, unit| {
            let [outcome, treated, e] = observed(draws, unit);
            [outcome, e, treated]
        });
    }
}

#[test]
fn randomised_effects() {
    let row = |draws: &mut Draws, unit: &Unit| {
        let [outcome, treated, _] = experiment(draws, unit, 0.4);
        [outcome, treated]
    };
    assert_covers(&DifferenceInMeans, truth(|x| 1.0 + x), row);
    assert_covers(&RelativeLift, truth(|x| 1.0 + x) / truth(|x| 3.0 + x), row);
    // The covariate is the context, seen through noise.
    assert_covers(&Cuped { slope: Slope::Within }, truth(|x| 1.0 + x), |draws, unit| {
        let [outcome, treated, _] = experiment(draws, unit, 0.4);
        [outcome, treated, unit.x + 0.1 * draws.normal()]
    });
    // Visits 1 or 2, and 3 or 4 + x of revenue in each.
    let per_visit = truth(|x| 4.0 + x) - 3.0;
    assert_covers(&RatioDifference, per_visit, |draws, unit| {
        let (treated, visits) = (bernoulli(draws, 0.4), 1.0 + bernoulli(draws, 0.5));
        [visits * (3.0 + treated * (1.0 + unit.x)) + unit.shared, visits, treated]
    });
}

#[test]
fn ratios_of_effects() {
    // A part 0.3 + 0.4 x complies, and gains 1 + x.
    let share = |x: f64| 0.3 + 0.4 * x;
    let effect = truth(|x| share(x) * (1.0 + x)) / truth(share);
    assert_covers(&Late, effect, |draws, unit| {
        let (assigned, complies) = (bernoulli(draws, 0.4), bernoulli(draws, share(unit.x)));
        let received = assigned * complies;
        [3.0 + unit.x + 2.0 * complies + received * (1.0 + unit.x) + unit.shared, assigned, received]
    });
    // Treatment costs 0.5 + x and is worth 1 + x.
    let price = truth(|x| 0.5 + x) / truth(|x| 1.0 + x);
    let costed = |draws: &mut Draws, unit: &Unit, e: f64| {
        let [value, treated, e] = experiment(draws, unit, e);
        [value, treated * (0.5 + unit.x) + 0.2 * draws.normal(), treated, e]
    };
    assert_covers(&CostPerValue, price, |draws, unit| {
        let [value, cost, treated, _] = costed(draws, unit, 0.4);
        [value, cost, treated]
    });
    assert_covers(&WeightedCostPerValue, price, |draws, unit| costed(draws, unit, propensity(unit.x)));
}

#[test]
fn weighted_effects() {
    let effect = |estimand: Estimand| {
        let tilt = |x: f64| estimand.tilt(propensity(x));
        truth(|x| tilt(x) * (1.0 + x)) / truth(tilt)
    };
    for estimand in [Estimand::Ate, Estimand::Att, Estimand::Atc, Estimand::Overlap] {
        for weighting in [Weighting::Hajek, Weighting::HorvitzThompson] {
            assert_covers(&IpwAte { estimand, weighting }, effect(estimand), observed);
        }
        // The predictions are biased: the propensities are right.
        assert_covers(&Aipw { estimand }, effect(estimand), |draws, unit| {
            let [outcome, treated, e] = observed(draws, unit);
            [outcome, treated, e, 4.5 + unit.x, 3.2]
        });
    }
    let lift = effect(Estimand::Ate) / truth(|x| 3.0 + x);
    assert_covers(&WeightedRelativeLift, lift, observed);
}

// The log: two actions with rewards 1 + x and 2, logged with probabilities that depend on x.

fn reward_of(action: f64, x: f64) -> f64 {
    if action == 1.0 { 2.0 } else { 1.0 + x }
}

fn of_action(action: f64, probability: f64) -> f64 {
    if action == 1.0 { probability } else { 1.0 - probability }
}

fn logging(x: f64) -> f64 {
    0.3 + 0.4 * x
}

fn target(x: f64) -> f64 {
    0.8 - 0.5 * x
}

fn baseline(x: f64) -> f64 {
    0.1 + 0.2 * x
}

fn value(policy: impl Fn(f64) -> f64) -> f64 {
    truth(|x| policy(x) * reward_of(1.0, x) + (1.0 - policy(x)) * reward_of(0.0, x))
}

/// A reward model that is off by a constant.
fn predicted(action: f64, x: f64) -> f64 {
    reward_of(action, x) + 0.4
}

fn predicted_value(policy: f64, x: f64) -> f64 {
    policy * predicted(1.0, x) + (1.0 - policy) * predicted(0.0, x)
}

/// reward, propensity, target_prob, q_logged, q_target, baseline_prob, q_baseline.
fn decision(draws: &mut Draws, &Unit { x, shared }: &Unit) -> [f64; 7] {
    let action = bernoulli(draws, logging(x));
    [
        reward_of(action, x) + shared,
        of_action(action, logging(x)),
        of_action(action, target(x)),
        predicted(action, x),
        predicted_value(target(x), x),
        of_action(action, baseline(x)),
        predicted_value(baseline(x), x),
    ]
}

fn first<const A: usize>(draws: &mut Draws, unit: &Unit) -> [f64; A] {
    let row = decision(draws, unit);
    std::array::from_fn(|a| row[a])
}

#[test]
fn policy_values() {
    let clip = f64::INFINITY;
    assert_covers(&Ips { clip }, value(target), first::<3>);
    assert_covers(&SelfNormalizedIps { clip }, value(target), first::<3>);
    assert_covers(&DoublyRobust { clip }, value(target), first::<5>);
    assert_covers(&SelfNormalizedDr { clip }, value(target), first::<5>);
    // Nothing is shrunk: the bias of shrinking is not covered.
    for shrinkage in [Shrinkage::Switch { lambda: clip }, Shrinkage::SubGaussian { lambda: 0.0 }] {
        assert_covers(&ShrunkDr { shrinkage }, value(target), first::<5>);
    }
    // The direct method covers the value its own model gives, at the contexts of the log.
    assert_covers(&DirectMethod, value(target) + 0.4, |draws, unit| [decision(draws, unit)[4]]);
}

/// Percentiles of a ratio are a little short: .938 in the definitions' own simulation.
#[test]
fn bootstrap() {
    let statistic = SelfNormalizedIps { clip: f64::INFINITY };
    let resampling = Resampling { seed: 7, replicates: 400 };
    let resampled = |rows: &Table| {
        let got = infer_resampled(&statistic, rows, resampling);
        (got.ci_low, got.ci_high)
    };
    let share = coverage(7, ROWS, true, value(target), resampled, first::<3>);
    assert!((0.92..=0.97).contains(&share), "{share}");
}

#[test]
fn policy_lifts() {
    let clip = f64::INFINITY;
    let contrasts = [(Baseline::Logging, value(logging)), (Baseline::Policy, value(baseline))];
    for (baseline, baseline_value) in contrasts {
        let lift = value(target) - baseline_value;
        assert_covers(&DrLift { baseline, clip }, lift, first::<7>);
        assert_covers(&IpsLift { baseline, clip }, lift, |draws, unit| {
            let [reward, propensity, target_prob, _, _, baseline_prob, _] = decision(draws, unit);
            [reward, propensity, target_prob, baseline_prob]
        });
    }
}

#[test]
fn rankings() {
    // The effect is 1 + x and the prediction x itself, so that F(x) = x.
    let cases = [
        (Measure::Qini, truth(|x| (1.0 + x) * (x - 0.5))),
        (Measure::Auuc, truth(|x| (1.0 + x) * x)),
        (Measure::Autoc, truth(|x| (1.0 + x) * (-(1.0 - x).ln() - 1.0))),
        (Measure::UpliftAt { top: 0.3 }, 1.85),
    ];
    let row = |draws: &mut Draws, unit: &Unit| {
        let [outcome, treated, e] = experiment(draws, unit, 0.4);
        [unit.x, outcome, treated, e]
    };
    let interval = |got: Inference| (got.ci_low, got.ci_high);
    for form in [SlopeForm::Blp, SlopeForm::Grf] {
        let plain = OverRows(CalibrationSlope::<Independent>::new(Scores::Centred, form));
        let clustered = OverRows(CalibrationSlope::<InCluster>::new(Scores::Centred, form));
        let shares = [
            ("independent", coverage(5, RANKED_ROWS, false, 1.0, |rows| interval(infer(&plain, rows)), row)),
            ("clustered", coverage(6, RANKED_ROWS, true, 1.0, |rows| interval(infer(&clustered, rows)), row)),
        ];
        for (rows, share) in shares {
            assert!((0.93..=0.97).contains(&share), "{form:?}, {rows} rows: {share}");
        }
    }
    // The cost is 0.5 + x: the area between value 1 + x and it, from x = 1 down.
    let value_above = |x: f64| (1.0 - x) * (1.0 + 0.5 * (1.0 + x)) / 1.5;
    let area = truth(|x| (0.5 + x) * value_above(x)) / truth(|x| 0.5 + x);
    let costed = |draws: &mut Draws, unit: &Unit| {
        let [outcome, treated, e] = experiment(draws, unit, 0.4);
        [unit.x, outcome, treated * (0.5 + unit.x) + 0.2 * draws.normal(), treated, e]
    };
    let plain = OverRows(Aucc::<Independent>::new(Scores::Centred));
    let clustered = OverRows(Aucc::<InCluster>::new(Scores::Centred));
    for share in [
        coverage(8, RANKED_ROWS, false, area, |rows| interval(infer(&plain, rows)), costed),
        coverage(9, RANKED_ROWS, true, area, |rows| interval(infer(&clustered, rows)), costed),
    ] {
        assert!((0.93..=0.97).contains(&share), "area under the cost curve: {share}");
    }
    for (measure, truth) in cases {
        let (scores, canonical) = (Scores::Centred, Convention::Canonical);
        let plain = OverRows(Ranking::<Independent>::new(measure, scores, canonical));
        let clustered = OverRows(Ranking::<InCluster>::new(measure, scores, canonical));
        let shares = [
            (
                "independent",
                coverage(3, RANKED_ROWS, false, truth, |rows| interval(infer(&plain, rows)), row),
            ),
            (
                "clustered",
                coverage(4, RANKED_ROWS, true, truth, |rows| interval(infer(&clustered, rows)), row),
            ),
        ];
        for (rows, share) in shares {
            assert!((0.93..=0.97).contains(&share), "{measure:?}, {rows} rows: {share}");
        }
    }
}

/// The closed-form errors of rankings against the spread over halves of the rows, drawn without replacement: the variance
/// of a half of `n` rows is that of all `n`. Sources: Yadlowsky et al. (2025); Politis and Romano (1994).
#[test]
fn errors_of_rankings_are_those_of_half_samples() {
    const HALVES: usize = 400;
    let mut draws = Draws::new(11);
    // Predictions with ties, which say something of an effect 1 + x.
    let mut rows: Vec<[f64; 4]> = (0..RANKED_ROWS)
        .map(|_| {
            let unit = Unit { x: draws.uniform(), shared: draws.normal() };
            let [outcome, treated, e] = observed(&mut draws, &unit);
            [(20.0 * (unit.x + 0.3 * draws.normal())).round(), outcome, treated, e]
        })
        .collect();
    for measure in [Measure::Qini, Measure::Auuc, Measure::Autoc, Measure::UpliftAt { top: 0.3 }] {
        let ranking = OverRows(Ranking::<Independent>::new(measure, Scores::Centred, Convention::Canonical));
        let closed = infer(&ranking, &column_rows(&rows)).std_error.unwrap();
        let estimates: Vec<f64> = (0..HALVES)
            .map(|_| {
                for i in 0..RANKED_ROWS / 2 {
                    let other = i + (draws.uniform() * (RANKED_ROWS - i) as f64) as usize;
                    rows.swap(i, other);
                }
                infer(&ranking, &column_rows(&rows[..RANKED_ROWS / 2])).estimate.unwrap()
            })
            .collect();
        let mean = estimates.iter().sum::<f64>() / HALVES as f64;
        let squares: f64 = estimates.iter().map(|estimate| (estimate - mean).powi(2)).sum();
        let ratio = closed / (squares / (HALVES - 1) as f64).sqrt();
        // The error of a standard deviation of 400 draws is 3.5 %.
        assert!((0.86..=1.14).contains(&ratio), "{measure:?}: {ratio}");
    }
}
