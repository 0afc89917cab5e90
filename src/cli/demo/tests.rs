use std::{
    fs,
    path::{Path, PathBuf},
};

use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::datatypes::Float64Type;

use super::{
    behaviour::Action,
    campaign::{Decision, campaign},
    files,
    policies::{FLOOR, Policy},
    population::population,
    tour::Tour,
    truth::{Truth, TruthSums},
};
use crate::cli::engine::{Engine, EngineOptions};

/// Mean and its standard error.
fn mean(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let values: Vec<_> = values.into_iter().collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

fn assert_near((mean, std_error): (f64, f64), expected: f64, what: &str) {
    let errors = (mean - expected).abs() / std_error;
    assert!(errors < 4.0, "{what}: {mean} is {errors:.1} standard errors from {expected}");
}

fn truths(decisions: &[Decision]) -> impl Fn(&str, &str) -> Truth {
    let mut sums = TruthSums::default();
    decisions.iter().for_each(|decision| sums.push(decision));
    let truths = sums.finish();
    move |estimand, name| {
        let found = truths.iter().find(|truth| truth.estimand == estimand && truth.name == name);
        *found.unwrap_or_else(|| panic!("no truth {estimand} {name}"))
    }
}

#[test]
fn draws_are_addressed_by_seed_and_user() {
    let long: Vec<_> = campaign(7, 500).collect();
    let short: Vec<_> = campaign(7, 200).collect();
    assert_eq!(short, long[..200]);
    assert!(campaign(8, 200).zip(&short).all(|(other, decision)| other != *decision));
}

#[test]
fn households_are_consecutive_users_with_one_invitation() {
    let people: Vec<_> = population(7, 5_000).collect();
    assert_eq!(people.len(), 5_000);
    for (household, user) in &people {
        assert_eq!(household.id, user.household_id);
    }
    let homes: Vec<_> = people.chunk_by(|(a, _), (b, _)| a.id == b.id).collect();
    for (id, home) in (1..).zip(&homes) {
        let household = home[0].0;
        assert_eq!(household.id, id);
        assert!(home.iter().all(|(same, _)| *same == household));
        assert!(home.len() == household.size || id as usize == homes.len());
        assert!((1..=3).contains(&household.size));
    }
}

#[test]
fn decisions_keep_the_contract_of_the_log() {
    let (start, day) = (1_767_571_200_000_000, 86_400_000_000);
    for decision in campaign(7, 20_000) {
        let total: f64 = decision.propensities.iter().sum();
        assert!((total - 1.0).abs() < 1e-12);
        assert!(decision.propensities.iter().all(|propensity| *propensity >= FLOOR));
        for policy in Policy::ALL {
            let total: f64 = policy.probabilities(&decision.predicted).iter().sum();
            assert!((total - 1.0).abs() < 1e-12);
        }

        assert_eq!(1 + (decision.decided_at - start) / (7 * day), decision.week as i64);
        if let Some(redeemed_at) = decision.redeemed_at {
            assert!((0..28 * day).contains(&(redeemed_at - decision.decided_at)));
            assert_ne!(decision.action, Action::NoOffer);
        }
        assert_eq!(decision.outcome.cost > 0.0, decision.redeemed_at.is_some());
        assert!(decision.outcome.value >= 0.0);
        assert!(decision.loyalty_invited || !decision.loyalty_joined);
    }
}

#[test]
fn actions_follow_the_logged_propensities() {
    let decisions: Vec<_> = campaign(7, 50_000).collect();
    for action in Action::ALL {
        let weight = |decision: &Decision| {
            let taken = if decision.action == action { 1.0 } else { 0.0 };
            taken / decision.of_action(&decision.propensities)
        };
        assert_near(mean(decisions.iter().map(weight)), 1.0, action.name());
    }
}

#[test]
fn logged_outcomes_average_to_the_truth() {
    let decisions: Vec<_> = campaign(7, 100_000).collect();
    let truth = truths(&decisions);
    for policy in Policy::ALL {
        let weighted = |decision: &Decision, outcome: f64| {
            let target = policy.probabilities(&decision.predicted);
            outcome * decision.of_action(&target) / decision.of_action(&decision.propensities)
        };
        let expected = truth("policy_value", policy.name()).mean;
        let value = decisions.iter().map(|decision| weighted(decision, decision.outcome.value));
        assert_near(mean(value), expected.value, policy.name());
        let cost = decisions.iter().map(|decision| weighted(decision, decision.outcome.cost));
        assert_near(mean(cost), expected.cost, policy.name());
    }

    let arm = |invited| {
        let arm = decisions.iter().filter(move |decision| decision.loyalty_invited == invited);
        mean(arm.map(|decision| decision.outcome.value))
    };
    let ((invited, invited_error), (other, other_error)) = (arm(true), arm(false));
    let effect = (invited - other, invited_error.hypot(other_error));
    assert_near(effect, truth("program_effect", "invited").mean.value, "invitation");
}

/// Estimate less truth of the policies' net value, by the functions that analysts call, on one campaign.
fn errors_of_estimates(seed: u64) -> Vec<Vec<f64>> {
    const SQL: &str = "
        SELECT ips_policy_value(evaluations.net_value, propensity, target_prob) - max(truth.net_value),
          dr_policy_value(evaluations.net_value, propensity, target_prob, q_logged, q_target) - max(truth.net_value)
        FROM evaluations JOIN truth ON truth.name = policy AND truth.estimand = 'policy_value'
        GROUP BY policy ORDER BY policy";
    let directory = tempfile::tempdir().unwrap();
    files::write(directory.path(), 1_500, seed).unwrap();
    let tour = Tour::of(directory.path()).unwrap();
    let mut engine = Engine::start(&EngineOptions::default()).unwrap();
    let batches = engine.run(|session| async move {
        tour.create_views(&session.context).await?;
        Ok(session.context.sql(SQL).await?.collect().await?)
    });
    let batches = batches.unwrap();
    let columns = |batch: &RecordBatch| batch.columns().to_vec();
    let numbers = |column: &ArrayRef| column.as_primitive::<Float64Type>().values().to_vec();
    let errors: Vec<_> = batches.iter().flat_map(columns).map(|column| numbers(&column)).collect();
    assert_eq!(errors.iter().flatten().count(), 2 * Policy::COUNT);
    errors
}

#[test]
fn policy_values_are_unbiased() {
    let campaigns: Vec<_> = (1..=40).map(errors_of_estimates).collect();
    for (estimator, name) in ["IPS", "DR"].into_iter().enumerate() {
        for policy in 0..Policy::COUNT {
            let errors = campaigns.iter().map(|campaign| campaign[estimator][policy]);
            assert_near(mean(errors), 0.0, &format!("{name}, policy {policy}"));
        }
    }
}

#[test]
fn one_candidate_beats_the_baseline_and_the_other_does_not() {
    let decisions: Vec<_> = campaign(7, 20_000).collect();
    let lift = |policy| truths(&decisions)("policy_lift", policy).mean;
    assert!(lift("value_first").value > 0.5 && lift("value_first").net_value() < -0.5);
    assert!(lift("budgeted").value < -0.3 && lift("budgeted").net_value() > 0.5);
}

fn contents(directory: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.clone(), fs::read(path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn the_same_seed_gives_the_same_files_in_place_of_old_ones() {
    let directory = tempfile::tempdir().unwrap();
    let write = |users, seed| {
        files::refuse_foreign(directory.path()).unwrap();
        files::write(directory.path(), users, seed).unwrap();
        contents(directory.path())
    };
    let first = write(300, 7);
    assert_eq!(first.len(), 8);
    assert_ne!(write(300, 8), first);
    assert_eq!(write(300, 7), first);
    assert_eq!(write(1, 7).len(), 8);
}

#[test]
fn a_failed_campaign_leaves_the_earlier_one() {
    let directory = tempfile::tempdir().unwrap();
    files::write(directory.path(), 50, 7).unwrap();
    let before = contents(directory.path());
    let obstacle = directory.path().join("truth.parquet.partial");
    fs::create_dir(&obstacle).unwrap();
    let error = format!("{:?}", files::write(directory.path(), 50, 8).unwrap_err());
    assert!(error.contains("demo: cannot create"), "{error}");
    fs::remove_dir(obstacle).unwrap();
    assert_eq!(contents(directory.path()), before);
}

#[test]
fn directories_of_others_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refusal = || format!("{:?}", files::refuse_foreign(directory.path()).unwrap_err());
    let file = |name: &str| directory.path().join(name);
    files::refuse_foreign(&file("new")).unwrap();
    files::refuse_foreign(directory.path()).unwrap();

    fs::write(file("users.parquet"), "someone's users").unwrap();
    assert!(refusal().contains("with users.parquet"));
    fs::remove_file(file("users.parquet")).unwrap();

    files::write(directory.path(), 5, 7).unwrap();
    fs::write(file("users.parquet.partial"), "interrupted").unwrap();
    files::refuse_foreign(directory.path()).unwrap();
    fs::write(file("decisions/week=1/notes.txt"), "mine").unwrap();
    assert!(refusal().contains("notes.txt"));
    assert!(files::refuse_foreign(&file("users.parquet")).is_err());
}

#[test]
fn an_edited_tour_is_kept() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tour.sql");
    let tour = |directory: &str| Tour::of(Path::new(directory)).unwrap();
    assert!(tour("first").leave_at(&path).unwrap());
    assert!(tour("it's/second/").leave_at(&path).unwrap());
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("FROM 'it''s/second/users.parquet'"));
    assert!(!text.contains("'demo/"));

    let edited = text.replace("ORDER BY", "-- my order\nORDER BY");
    fs::write(&path, &edited).unwrap();
    assert!(!tour("first").leave_at(&path).unwrap());
    assert_eq!(fs::read_to_string(&path).unwrap(), edited);
}
