//! The instances of `allocation/` with proven bounds, solved by `allocate` in SQL and checked from the returned rows.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::{cast, concat_batches};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::error::DataFusionError;
use datafusion::prelude::{ParquetReadOptions, SessionContext};
use serde_json::Value;

use super::{Shared, session};

/// Limits are kept to this, relatively.
const EXACT: f64 = 1e-12;

/// A limit on a group of chosen rows.
struct Limit {
    /// Column and values of the rows it is on; all rows without.
    group: Option<(String, Vec<String>)>,
    is_cost: bool,
    minimum: f64,
    maximum: f64,
}

/// A sum with its rounding errors kept.
#[derive(Clone, Copy, Default)]
struct Exact(f64, f64);

impl Exact {
    fn add(&mut self, x: f64) {
        let sum = self.0 + x;
        self.1 += if self.0.abs() >= x.abs() { (self.0 - sum) + x } else { (x - sum) + self.0 };
        self.0 = sum;
    }

    fn of(terms: impl Iterator<Item = f64>) -> f64 {
        let mut sum = Self::default();
        terms.for_each(|x| sum.add(x));
        sum.0 + sum.1
    }
}

/// An instance as a call and as limits to check.
struct Instance {
    name: String,
    constraints: BTreeMap<String, Value>,
    expected: Value,
}

impl Instance {
    fn number(&self, constraint: &str) -> Option<f64> {
        self.constraints.get(constraint).and_then(Value::as_f64)
    }

    /// The limits, and the rows of the guardrail relation with the columns that they need.
    fn limits(&self) -> (Vec<Limit>, Vec<String>, Vec<String>) {
        let mut limits = vec![];
        let mut rows = vec![];
        let mut columns = vec![];
        let everything = |is_cost, minimum, maximum| Limit { group: None, is_cost, minimum, maximum };
        if let Some(budget) = self.number("budget") {
            limits.push(everything(true, f64::NEG_INFINITY, budget));
        }
        let minimum = self.number("min_total").unwrap_or(0.0);
        limits.push(everything(false, minimum, self.number("max_total").unwrap_or(f64::INFINITY)));
        let shown = |limit: Option<f64>| limit.map_or("NULL".to_string(), |limit| format!("{limit:?}"));
        for dimension in ["action", "channel", "segment"] {
            let by_member = |side: &str| -> BTreeMap<String, f64> {
                let members = self.constraints.get(&format!("{side}_per_{dimension}"));
                let members = members.and_then(Value::as_object).into_iter().flatten();
                members.map(|(member, limit)| (member.clone(), limit.as_f64().unwrap())).collect()
            };
            let (minimums, maximums) = (by_member("min"), by_member("max"));
            let members: BTreeSet<_> = minimums.keys().chain(maximums.keys()).collect();
            for member in members {
                let (minimum, maximum) = (minimums.get(member).copied(), maximums.get(member).copied());
                rows.push(format!(
                    "('{dimension}', '{member}', 'count', {}, {})",
                    shown(minimum),
                    shown(maximum)
                ));
                limits.push(Limit {
                    group: Some((dimension.to_string(), vec![member.clone()])),
                    is_cost: false,
                    minimum: minimum.unwrap_or(0.0),
                    maximum: maximum.unwrap_or(f64::INFINITY),
                });
            }
        }
        let mut budget = |column: &str, member: &str, measure: &str, members: Vec<String>, budget: f64| {
            rows.push(format!("('{column}', '{member}', '{measure}', NULL, {budget:?})"));
            let group = Some((if measure == "cost" { "segment" } else { "period" }.to_string(), members));
            limits.push(Limit { group, is_cost: true, minimum: f64::NEG_INFINITY, maximum: budget });
        };
        if let Some(Value::Object(segments)) = self.constraints.get("budget_per_segment") {
            for (segment, limit) in segments {
                budget("segment", segment, "cost", vec![segment.clone()], limit.as_f64().unwrap());
            }
        }
        if let Some(Value::Array(groups)) = self.constraints.get("budget_group") {
            for (i, group) in groups.iter().enumerate() {
                let segments = group["segments"].as_array().unwrap().iter();
                let segments: Vec<_> = segments.map(|s| s.as_str().unwrap().to_string()).collect();
                columns.push(format!(
                    "CASE WHEN segment IN ('{}') THEN 'in' END AS group_{i}",
                    segments.join("', '")
                ));
                budget(&format!("group_{i}"), "in", "cost", segments, group["budget"].as_f64().unwrap());
            }
        }
        if let Some(Value::Array(budgets)) = self.constraints.get("cumulative_budget_by_period") {
            for (period, limit) in budgets.iter().enumerate() {
                let up_to = (0..=period).map(|period| period.to_string()).collect();
                budget("period", &period.to_string(), "cumulative_cost", up_to, limit.as_f64().unwrap());
            }
        }
        (limits, rows, columns)
    }

    /// The arguments of `allocate` and its siblings.
    fn arguments(&self) -> String {
        let (_, rows, columns) = self.limits();
        let columns = columns.iter().map(|column| format!(", {column}")).collect::<String>();
        let mut arguments = format!("(SELECT *{columns} FROM instance), eligible => eligible");
        if self.constraints.contains_key("cumulative_budget_by_period") {
            // The same action in another period is another action.
            arguments += ", action => action || ' in ' || period";
        }
        for (option, constraint) in [
            ("budget", "budget"),
            ("max_treated", "max_total"),
            ("min_treated", "min_total"),
            ("max_cost_per_value", "pair_cpiv_cap"),
            ("average_cost_per_value", "avg_cpiv_cap"),
            ("min_value_per_cost", "marginal_floor"),
        ] {
            if let Some(limit) = self.number(constraint) {
                arguments += &format!(", {option} => {limit:?}");
            }
        }
        if !rows.is_empty() {
            let names = "dimension, member, measure, minimum, maximum";
            arguments +=
                &format!(", guardrails => (SELECT * FROM (VALUES {}) AS g({names}))", rows.join(", "));
        }
        arguments
    }

    /// Limits other than a budget for all or for groups of units, in which a plan may be further from the best one.
    fn is_general(&self) -> bool {
        let exact = ["budget", "budget_per_segment", "budget_group", "pair_cpiv_cap", "marginal_floor"];
        self.constraints.keys().any(|constraint| !exact.contains(&constraint.as_str()))
    }
}

async fn run(context: &SessionContext, sql: &str) -> Result<RecordBatch, DataFusionError> {
    let frame = context.sql(sql).await?;
    let schema = std::sync::Arc::clone(frame.schema().inner());
    Ok(concat_batches(&schema, &frame.collect().await?)?)
}

fn texts(batch: &RecordBatch, column: &str) -> Vec<String> {
    let Some(column) = batch.column_by_name(column) else { return vec![] };
    let text: ArrayRef = cast(column, &DataType::Utf8).unwrap();
    text.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_string()).collect()
}

fn floats(batch: &RecordBatch, column: &str) -> Vec<f64> {
    let numbers = cast(batch.column_by_name(column).unwrap(), &DataType::Float64).unwrap();
    assert_eq!(numbers.null_count(), 0, "{column}");
    numbers.as_primitive::<Float64Type>().values().to_vec()
}

/// What is wrong with the answer to an instance.
async fn wrong(context: &SessionContext, instance: &Instance) -> Vec<String> {
    let expected = |key: &str| instance.expected[key].as_f64().unwrap_or_else(|| panic!("{key}"));
    let arguments = instance.arguments();
    let answer = run(context, &format!("SELECT * FROM allocate({arguments})")).await;
    if instance.name.starts_with("duplicate_rows") {
        let error = answer.map(|rows| rows.num_rows().to_string()).map_err(|error| error.to_string());
        let is_named =
            error.as_ref().is_err_and(|error| error.contains("twice; keep one row of each user_id"));
        return if is_named {
            vec![]
        } else {
            vec![format!("expected the error of duplicates, got {error:?}")]
        };
    }
    if instance.expected["status"] == "infeasible" {
        let Err(error) = answer else { return vec!["expected an error, got a plan".to_string()] };
        let error = error.to_string();
        let mut wrong = vec![];
        let minimums = instance.expected["minimums"].as_object().unwrap();
        let said = minimums.iter().map(|(name, numbers)| {
            let label = match name.split_once(':') {
                Some((dimension, member)) => format!("count of {dimension} '{member}'"),
                None => "treated".to_string(),
            };
            let number = |key: &str| numbers[key].as_f64().unwrap();
            format!("{label} requires {}, attainable {}", number("required"), number("attainable"))
        });
        for said in said.chain(["allocate: infeasible".to_string()]) {
            if !error.contains(&said) {
                wrong.push(format!("expected '{said}' in {error}"));
            }
        }
        return wrong;
    }
    let rows = match answer {
        Ok(rows) => rows,
        Err(error) => return vec![error.to_string()],
    };
    let mut wrong = vec![];
    let (values, costs) = (floats(&rows, "value"), floats(&rows, "cost"));
    let units: BTreeSet<_> = texts(&rows, "user_id").into_iter().collect();
    if units.len() != rows.num_rows() {
        wrong.push(format!("{} rows of {} units", rows.num_rows(), units.len()));
    }
    for limit in instance.limits().0 {
        let groups = limit.group.as_ref().map(|(column, _)| texts(&rows, column));
        let counts = |row: usize| match (&limit.group, &groups) {
            (Some((_, members)), Some(groups)) => members.contains(&groups[row]),
            _ => true,
        };
        let counted = (0..rows.num_rows()).filter(|&row| counts(row));
        let used = Exact::of(counted.map(|row| if limit.is_cost { costs[row] } else { 1.0 }));
        let (least, most) =
            (limit.minimum - EXACT * limit.minimum.abs(), limit.maximum + EXACT * limit.maximum.abs());
        if !(used >= least && used <= most) {
            wrong.push(format!("{:?} uses {used} of {} to {}", limit.group, limit.minimum, limit.maximum));
        }
    }
    let cost = Exact::of(costs.iter().copied());
    if let Some(average) = instance.number("avg_cpiv_cap") {
        let value = Exact::of(values.iter().copied());
        if cost > average * value * (1.0 + EXACT) {
            wrong.push(format!("{cost} for {value} is above {average} on average"));
        }
    }
    let floor = instance.number("marginal_floor").unwrap_or(0.0);
    let objective = Exact::of(values.iter().zip(&costs).map(|(value, cost)| value - floor * cost));
    let tolerance = if instance.is_general() { 1e-4 } else { 1e-6 };
    let best = expected("best_objective");
    if objective < best - tolerance * best.abs() {
        wrong
            .push(format!("objective {objective}, at least {best} is reached: {:e}", 1.0 - objective / best));
    }
    let most = expected("best_bound") * (1.0 + 1e-9);
    if objective > most {
        wrong.push(format!("objective {objective} is above the proven bound {most}"));
    }
    let summary = format!(
        "SELECT max(amount) FILTER (WHERE name = 'bound') AS bound,
           max(amount) FILTER (WHERE name = 'objective') AS objective,
           max(amount) FILTER (WHERE name = 'not_finite') AS not_finite,
           max(amount) FILTER (WHERE name = 'pairs') AS pairs
         FROM allocation_summary({arguments}) WHERE section IN ('plan', 'dropped')"
    );
    let summary = run(context, &summary).await.unwrap();
    let said = |name: &str| floats(&summary, name)[0];
    if said("bound") < best - 1e-12 * best.abs() {
        wrong.push(format!("bound {} is below a plan of {best}", said("bound")));
    }
    if (said("objective") - objective).abs() > EXACT * objective.abs() {
        wrong.push(format!("objective {objective}, the summary says {}", said("objective")));
    }
    for (name, key) in [("not_finite", "n_nonfinite_dropped"), ("pairs", "n_pairs_after_pruning")] {
        if said(name) != expected(key) {
            wrong.push(format!("{} {name}, expected {}", said(name), expected(key)));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_with_proven_bounds_are_allocated() {
    let Some(shared) = Shared::find("instances_with_proven_bounds_are_allocated") else { return };
    let folder = shared.0.join("allocation");
    let files = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    assert_eq!(files.len(), 44);
    if let Ok(part) = std::env::var("INSTANCE") {
        files.retain(|file| file.to_string_lossy().contains(&part));
    }
    let mut failures = vec![];
    for file in files {
        let json: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        let constraints = json["constraints"].as_object().unwrap().clone().into_iter().collect();
        let name = json["name"].as_str().unwrap().to_string();
        let instance = Instance { name, constraints, expected: json["expected"].clone() };
        let context = session();
        let table = file.with_extension("parquet");
        let options = ParquetReadOptions::default();
        context.register_parquet("instance", table.to_string_lossy(), options).await.unwrap();
        for wrong in wrong(&context, &instance).await {
            failures.push(format!("{}: {wrong}", instance.name));
        }
    }
    assert!(failures.is_empty(), "{} failures\n{}", failures.len(), failures.join("\n"));
}
