-- Does the log keep what the questions below need of it?
-- Input: decisions.
-- Reading: one row per rule. An error would mean that no number below can be trusted; its rows_sql shows the rows.
SELECT rule, severity, violations, finding
FROM log_contract(
  decisions,
  action => action, propensity => propensity, unit => user_id, outcome => value, decision => decision_id,
  assigned_at => decided_at, observed_at => redeemed_at
);
