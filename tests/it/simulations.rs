//! Claims about chance that only whole queries can show.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::Float64Type;
use datafusion::prelude::{SessionConfig, SessionContext};

/// Numbers `u` that are uniform on [0, 1), as `t` goes on along each `path`: SplitMix64 of the row's number.
const PATHS: &str = "CREATE TABLE paths AS
  WITH seeded AS (
    SELECT value AS id, (value + 1) * -7046029254386353131 AS z FROM range(1100000)
  ), mixed AS (
    SELECT id, (z ^ ((z >> 30) & 17179869183)) * -4658895280553007687 AS z FROM seeded
  ), stirred AS (
    SELECT id, (z ^ ((z >> 27) & 137438953471)) * -7723592293110705685 AS z FROM mixed
  )
  SELECT id / 550 AS path, id % 550 AS t,
    CAST(((z ^ ((z >> 31) & 8589934591)) >> 11) & 9007199254740991 AS DOUBLE) / 9007199254740992.0 AS u
  FROM stirred";

/// The share of 2,000 paths of 550 rows whose sequence of a mean ever misses it, watched at every row; and the same of
/// its asymptotic form, from row 500 on, and of the other methods on the first 40 rows.
#[tokio::test]
async fn confidence_sequences_cover_at_all_times() {
    let context =
        SessionContext::new_with_state(datafusion_causal::session::builder(SessionConfig::new()).build());
    context.sql(PATHS).await.unwrap().collect().await.unwrap();
    // The target policy takes both actions alike; weights are 5 and 5 / 9, rewards come with 0.3 and 0.1.
    let decisions = "SELECT path, t, CASE WHEN u < 0.1 THEN 0.1 ELSE 0.9 END AS p,
      CASE WHEN u < 0.03 OR u >= 0.91 THEN 1 ELSE 0 END AS r FROM paths";
    let sequences = [
        "confidence_sequence((SELECT path, t, CAST(u < 0.05 AS INT) AS y FROM paths), position => t, series => path,
           value => y, lower => 0, upper => 1, null_value => 0.05, points => 1)"
            .to_string(),
        format!(
            "confidence_sequence(({decisions}), position => t, series => path, reward => r, propensity => p,
               target_prob => 0.5, null_value => 0.2, points => 1)"
        ),
    ];
    let coin = |method| {
        format!(
            "confidence_sequence((SELECT path, t, CAST(u < 0.5 AS INT) AS y FROM paths WHERE t < 40), position => t,
               series => path, value => y, lower => 0, upper => 1, null_value => 0.5, points => 1, n_star => 20,
               method => '{method}')"
        )
    };
    let methods = ["hoeffding", "hoeffding_mixture", "empirical_bernstein_mixture"];
    for sequence in sequences.into_iter().chain(methods.map(coin)) {
        let sql = format!(
            "SELECT avg(CASE WHEN verdict = 'undecided' THEN 0.0e0 ELSE 1.0e0 END), count(*) = 2000 FROM {sequence}"
        );
        let batches = context.sql(&sql).await.unwrap().collect().await.unwrap();
        let missed = batches[0].column(0).as_primitive::<Float64Type>().value(0);
        assert!(batches[0].column(1).as_boolean().value(0), "{sequence}");
        assert!(missed > 0.0 && missed <= 0.05, "{sequence}: {missed}");
    }
}
