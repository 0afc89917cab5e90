//! The options of training functions, as learners take them.

use datafusion::common::{Result, plan_err};

use crate::functions::adapter::{
    Argument, BAGS, CALIBRATION, DEPTH, EFFECT_L2, FOLDS, L2, L2_SCALE, LEARNER, LEARNING_RATE, LEAVES,
    MIN_LEAF_ROWS, MIN_ROWS, ON_INVALID, OptionSpec, Options, SUBSAMPLE, TRAINING_SEED, TREES, WEIGHT_CLIP,
    WEIGHTS,
};
use crate::learners::{Base, Boosting, Calibrator, Drawing, Method, Penalty, Sample, Settings};

/// The options of functions that train models of effects.
pub(in crate::functions) static EFFECT_OPTIONS: &[OptionSpec] = &[
    LEARNER,
    TREES,
    LEARNING_RATE,
    DEPTH,
    LEAVES,
    MIN_LEAF_ROWS,
    SUBSAMPLE,
    L2,
    EFFECT_L2,
    L2_SCALE,
    FOLDS,
    BAGS,
    TRAINING_SEED,
    MIN_ROWS,
    WEIGHTS,
    WEIGHT_CLIP,
    ON_INVALID,
];

/// The options of functions that train models of outcomes.
pub(in crate::functions) static OUTCOME_OPTIONS: &[OptionSpec] = &[
    LEARNER,
    TREES,
    LEARNING_RATE,
    DEPTH,
    LEAVES,
    MIN_LEAF_ROWS,
    SUBSAMPLE,
    L2,
    L2_SCALE,
    FOLDS,
    BAGS,
    TRAINING_SEED,
    MIN_ROWS,
    ON_INVALID,
];

/// The options of functions that train models of probabilities.
pub(in crate::functions) static PROPENSITY_OPTIONS: &[OptionSpec] = &[
    LEARNER,
    TREES,
    LEARNING_RATE,
    DEPTH,
    LEAVES,
    MIN_LEAF_ROWS,
    SUBSAMPLE,
    L2,
    L2_SCALE,
    CALIBRATION,
    FOLDS,
    BAGS,
    TRAINING_SEED,
    MIN_ROWS,
    ON_INVALID,
];

/// The arguments of functions that train models of effects.
pub(in crate::functions) static EFFECT_ARGUMENTS: &[Argument] = &[
    Argument::heads(),
    Argument::treated(),
    Argument::treated_propensity(),
    Argument::features(),
    Argument::unit(TRAINING_UNIT),
];

/// What must hold for models of effects.
pub(in crate::functions) const EFFECT_HOLDS: &str = "treatment is as good as random given the features, both arms occur everywhere, \
    and one unit's treatment does not change another's outcome.";

/// What a unit is for in training.
pub(in crate::functions) const TRAINING_UNIT: &str =
    "who the row is about, any type: rows of a unit are in one fold and in the same bags; optional";

/// Refuses options that contradict each other.
pub(super) fn check(function: &str, method: Method, options: &Options, has_propensity: bool) -> Result<()> {
    if options.choice(&WEIGHTS) == "ipw" && !has_propensity {
        return plan_err!(
            "{function}: option 'weights' must be 'none' without a propensity, got 'ipw'; give the logged one"
        );
    }
    if options.number(&FOLDS) == 2.0 && matches!(method, Method::X | Method::R | Method::Dr) {
        return plan_err!(
            "{function}: option 'folds' must be 1 or at least 3, got 2; what is left without two folds is needed too"
        );
    }
    Ok(())
}

/// Gives the penalties that were not given: those of the learner.
pub(super) fn complete(options: &mut Options) {
    let of_learner = if options.choice(&LEARNER) == "linear" { 1e-3 } else { Boosting::default().l2 };
    for (spec, default) in [(&L2, of_learner), (&EFFECT_L2, options.number(&L2))] {
        let default = if default.is_nan() { of_learner } else { default };
        if options.number(spec).is_nan() {
            options.set_number(spec, default);
        }
    }
}

/// How a model is trained with complete options.
pub(super) fn of(method: Method, options: &Options) -> Settings {
    let number = |spec| options.number(spec);
    let base = |l2: f64| match options.choice(&LEARNER) {
        "linear" => Base::Linear(
            match options.choice(&L2_SCALE) {
                "raw" => Penalty::raw(l2),
                _ => Penalty::per_row(l2),
            }
            .expect("the option is not negative"),
        ),
        _ => Base::Boosting(Boosting {
            trees: number(&TREES) as usize,
            learning_rate: number(&LEARNING_RATE),
            leaves: number(&LEAVES) as usize,
            depth: Some(number(&DEPTH)).filter(|depth| depth.is_finite()).map(|depth| depth as usize),
            min_leaf_rows: number(&MIN_LEAF_ROWS),
            l2,
            row_share: number(&SUBSAMPLE),
            seed: number(&TRAINING_SEED) as u64,
            ..Boosting::default()
        }),
    };
    let drawing = Drawing {
        seed: number(&TRAINING_SEED) as u64,
        folds: number(&FOLDS) as u32,
        bags: number(&BAGS) as u32,
    };
    Settings {
        method,
        base: base(number(&L2)),
        effect_base: base(number(&EFFECT_L2)),
        drawing,
        calibrator: match options.choice(&CALIBRATION) {
            "isotonic" => Calibrator::Isotonic,
            "none" => Calibrator::None,
            _ => Calibrator::Platt,
        },
        min_rows: number(&MIN_ROWS) as usize,
    }
}

/// Weighs each row with the inverse of the probability of its arm where that is asked for; returns how many weights were
/// capped.
pub(super) fn weigh(sample: &mut Sample, options: &Options) -> u64 {
    let (Some(propensity), "ipw") = (&sample.propensity, options.choice(&WEIGHTS)) else { return 0 };
    let most = options.number(&WEIGHT_CLIP);
    let weight = |(&treated, &e): (&bool, &f64)| 1.0 / if treated { e } else { 1.0 - e };
    let weights = sample.treated.iter().zip(propensity).map(weight);
    let clipped = weights.clone().filter(|weight| *weight > most).count() as u64;
    sample.weight = Some(weights.map(|weight| weight.min(most)).collect());
    clipped
}
