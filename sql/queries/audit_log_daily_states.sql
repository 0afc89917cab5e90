-- Can the raw log be dropped once each day has been summed up?
-- Input: decisions and policies. Every day is reduced to one state per policy; then all days are merged to
-- the paired lift in net value over the logging policy, which the log gives as well.
-- Reading: dollars per user over 28 days. same must be true: the states carry the households, who come back
-- on several days, so that errors are right too. Without a cluster a state has about a hundred bytes, whatever
-- the day's rows.
WITH log AS (
  SELECT
    policy, household_id, decided_at, propensity, target_prob, value - cost AS net_value,
    q_value_logged - q_cost_logged AS q_logged, q_value_target - q_cost_target AS q_target
  FROM decisions JOIN policies ON decisions.decision_id = policies.decision_id
  WHERE policy <> 'baseline'
),
days AS (
  SELECT
    policy,
    date_trunc('day', decided_at) AS day,
    count(*) AS decisions,
    dr_policy_lift_state(net_value, propensity, target_prob, q_logged, q_target, NULL, NULL, household_id) AS state
  FROM log
  GROUP BY policy, date_trunc('day', decided_at)
),
merged AS (
  SELECT
    policy,
    count(*) AS days,
    sum(decisions) AS decisions,
    sum(octet_length(encode(state, 'hex'))) / 2048 AS kilobytes,
    dr_policy_lift_merge_ci(state) AS lift
  FROM days
  GROUP BY policy
),
whole AS (
  SELECT
    policy,
    dr_policy_lift_ci(net_value, propensity, target_prob, q_logged, q_target, NULL, NULL, household_id) AS lift
  FROM log
  GROUP BY policy
)
SELECT
  merged.policy,
  days,
  decisions,
  kilobytes,
  round(merged.lift['estimate'], 3) AS merged,
  round(merged.lift['std_error'], 3) AS merged_error,
  round(whole.lift['estimate'], 3) AS whole,
  round(whole.lift['std_error'], 3) AS whole_error,
  abs(merged.lift['estimate'] - whole.lift['estimate']) < 1e-9
    AND abs(merged.lift['std_error'] - whole.lift['std_error']) < 1e-9 AS same
FROM merged JOIN whole ON merged.policy = whole.policy
ORDER BY merged.policy;
