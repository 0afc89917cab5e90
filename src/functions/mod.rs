//! SQL functions: one file per name, the adapter that makes engine functions of them, and the one list.

mod adapter;

mod aipw_ate;
mod aipw_score;
mod assign_action;
mod aucc;
mod autoc;
mod auuc;
mod bias_factor;
mod calibration_slope;
mod cate_drlearner;
mod cate_rlearner;
mod cate_slearner;
mod cate_tlearner;
mod cate_xlearner;
mod chi_square_p_value;
mod cost_curve;
mod cost_per_value;
mod cuped_ate;
mod diff_in_means;
mod dm_policy_value;
mod dr_policy_lift;
mod dr_policy_value;
mod dr_score;
mod dros_policy_value;
mod ess;
mod exploration_probabilities;
mod features;
mod in_period_spend;
mod incremental_cost_per_value;
mod ips_policy_lift;
mod ips_policy_value;
mod ips_score;
mod ipw_ate;
mod ipw_mean;
mod ks_test;
mod late;
mod max_weight_share;
mod mean_ci;
mod mips_policy_value;
mod mixture_boundary;
mod model_card;
mod models;
mod monotonicity_test;
mod normal_p_value;
mod normal_quantile;
mod npv_score;
mod outcome_model;
mod pacer_budget;
mod predict;
mod predict_ci;
mod propensity_model;
mod prune_reason;
mod psi;
mod qini;
mod rank_stability;
mod ranking;
mod ratio_diff;
mod redemption_curve;
mod relative_lift;
mod shrunk_dr;
mod smd;
mod sndr_policy_value;
mod snips_policy_value;
mod srm_p_value;
mod srm_test;
mod subgaussian_dr_policy_value;
mod switch_dr_policy_value;
mod t_p_value;
mod t_quantile;
mod triangle;
mod uplift_at;
mod uplift_calibration_bins;
mod uplift_curve;
mod value_per_cost;
mod variance_ratio;
mod weight_mean_test;

use std::sync::Arc;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};

pub(crate) use adapter::Entry;
use adapter::{
    AggregateFunction, Definition, Kind, MergeFunction, RowFunction, ScoreFunction, SeriesFunction, Shape,
};
pub(crate) use models::WatchTraining;
use models::{FeaturesFunction, PredictionFunction, TrainingFunction};

/// Every function of the crate, in the order of the reference.
static DEFINITIONS: [&Definition; 71] = [
    // Identify.
    &mean_ci::DEFINITION,
    &diff_in_means::DEFINITION,
    &ipw_mean::DEFINITION,
    &ipw_ate::DEFINITION,
    &aipw_ate::DEFINITION,
    &cuped_ate::DEFINITION,
    &relative_lift::DEFINITION,
    &ratio_diff::DEFINITION,
    &late::DEFINITION,
    &incremental_cost_per_value::DEFINITION,
    &srm_test::DEFINITION,
    &srm_p_value::DEFINITION,
    &smd::DEFINITION,
    &variance_ratio::DEFINITION,
    &ess::DEFINITION,
    &max_weight_share::DEFINITION,
    &weight_mean_test::DEFINITION,
    &normal_p_value::DEFINITION,
    &normal_quantile::DEFINITION,
    &t_p_value::DEFINITION,
    &t_quantile::DEFINITION,
    &chi_square_p_value::DEFINITION,
    &mixture_boundary::DEFINITION,
    // Learn.
    &features::DEFINITION,
    &cate_xlearner::DEFINITION,
    &cate_tlearner::DEFINITION,
    &cate_slearner::DEFINITION,
    &cate_rlearner::DEFINITION,
    &cate_drlearner::DEFINITION,
    &outcome_model::DEFINITION,
    &propensity_model::DEFINITION,
    &predict::DEFINITION,
    &predict_ci::DEFINITION,
    &model_card::DEFINITION,
    // Validate.
    &ips_score::DEFINITION,
    &dr_score::DEFINITION,
    &aipw_score::DEFINITION,
    &ips_policy_value::DEFINITION,
    &snips_policy_value::DEFINITION,
    &dm_policy_value::DEFINITION,
    &dr_policy_value::DEFINITION,
    &sndr_policy_value::DEFINITION,
    &switch_dr_policy_value::DEFINITION,
    &dros_policy_value::DEFINITION,
    &subgaussian_dr_policy_value::DEFINITION,
    &mips_policy_value::DEFINITION,
    &ips_policy_lift::DEFINITION,
    &dr_policy_lift::DEFINITION,
    &uplift_calibration_bins::DEFINITION,
    &calibration_slope::DEFINITION,
    &qini::DEFINITION,
    &auuc::DEFINITION,
    &autoc::DEFINITION,
    &uplift_at::DEFINITION,
    &uplift_curve::DEFINITION,
    &cost_curve::DEFINITION,
    &aucc::DEFINITION,
    &monotonicity_test::DEFINITION,
    &rank_stability::DEFINITION,
    // Decide.
    &value_per_cost::DEFINITION,
    &cost_per_value::DEFINITION,
    &npv_score::DEFINITION,
    &prune_reason::DEFINITION,
    &exploration_probabilities::DEFINITION,
    &assign_action::DEFINITION,
    &redemption_curve::DEFINITION,
    &in_period_spend::DEFINITION,
    &bias_factor::DEFINITION,
    &pacer_budget::DEFINITION,
    // Monitor.
    &psi::DEFINITION,
    &ks_test::DEFINITION,
];

/// Makes all aggregate functions.
pub(crate) fn aggregates() -> Vec<Arc<AggregateUDF>> {
    DEFINITIONS.iter().flat_map(|definition| family(definition)).map(Arc::new).collect()
}

/// Makes all scalar functions.
pub(crate) fn scalars() -> Vec<Arc<ScalarUDF>> {
    let scalar = |definition: &&'static Definition| match definition.kind {
        Kind::Score { .. } => Some(ScalarUDF::from(ScoreFunction::new(definition))),
        Kind::Row { .. } => Some(ScalarUDF::from(RowFunction::new(definition))),
        Kind::Series { .. } => Some(ScalarUDF::from(SeriesFunction::new(definition))),
        Kind::Prediction { .. } => Some(ScalarUDF::from(PredictionFunction::new(definition))),
        Kind::Features => Some(ScalarUDF::from(FeaturesFunction::new(definition))),
        Kind::Measure { .. } | Kind::Estimator { .. } | Kind::Training { .. } => None,
    };
    DEFINITIONS.iter().filter_map(scalar).map(Arc::new).collect()
}

/// What is listed of every SQL name.
pub(crate) fn entries() -> Vec<Entry> {
    DEFINITIONS.iter().flat_map(|definition| adapter::entries(definition)).collect()
}

/// Returns the reference of all functions in Markdown.
pub(crate) fn reference() -> String {
    adapter::reference(&DEFINITIONS)
}

fn family(definition: &'static Definition) -> Vec<AggregateUDF> {
    let aggregate = |shape| AggregateUDF::from(AggregateFunction::new(definition, shape));
    match definition.kind {
        Kind::Score { .. }
        | Kind::Row { .. }
        | Kind::Series { .. }
        | Kind::Prediction { .. }
        | Kind::Features => vec![],
        Kind::Training { .. } => vec![AggregateUDF::from(TrainingFunction::new(definition))],
        Kind::Measure { .. } => vec![aggregate(Shape::Number)],
        Kind::Estimator { number, .. } => {
            let mut functions = vec![
                aggregate(Shape::Ci),
                aggregate(Shape::State),
                AggregateUDF::from(MergeFunction::new(definition, false)),
                AggregateUDF::from(MergeFunction::new(definition, true)),
            ];
            if number {
                functions.push(aggregate(Shape::Number));
            }
            functions
        }
    }
}
