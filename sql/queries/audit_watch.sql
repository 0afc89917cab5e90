-- Could the comparison with a candidate have been stopped early?
-- Input: decisions and policies, in the order of the decisions. Each has a doubly robust score of the
-- candidate less what was logged, so that the mean is the candidate's lift in net value over the logging
-- policy; four looks.
-- Reading: dollars per user over 28 days. The intervals hold at all looks together, however often one looks,
-- and are wider than those of one look at the end; running is what all of them so far, also between these
-- looks, have in common. above or below zero means that one could have stopped with that answer after
-- decided_n decisions; undecided that one must go on. no common value would mean that the lift moves.
WITH scores AS (
  SELECT
    policy,
    decided_at,
    decisions.decision_id,
    dr_score(
      value - cost, propensity, target_prob, q_value_logged - q_cost_logged, q_value_target - q_cost_target
    ) - (value - cost) AS lift
  FROM decisions JOIN policies ON decisions.decision_id = policies.decision_id
  WHERE policy <> 'baseline'
)
SELECT
  series AS policy,
  n,
  round(estimate, 3) AS estimate,
  round(asymptotic_low, 3) AS low,
  round(asymptotic_high, 3) AS high,
  round(running_low, 3) AS running_low,
  round(running_high, 3) AS running_high,
  decided_n,
  watched.verdict
FROM confidence_sequence(
  scores,
  position => decided_at, unit => decision_id, series => policy, value => lift, null_value => 0, points => 4,
  n_star => 10000
) AS watched
ORDER BY policy, n;
