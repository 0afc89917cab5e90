-- Were decisions made with the features that the users table has?
-- Input: users, as the baseline, and decisions, which carry some of the same features, compared user by
-- user.
-- Reading: parity is ok when no user has another value in the log than in the table; violations counts those
-- who do, as when features were changed after the decision or joined wrongly. duplicates counts decisions
-- about users who already have one. Either would mean that a model trained on one table is served another.
SELECT
  finding,
  feature,
  baseline AS users_compared,
  violations,
  round(share, 4) AS share,
  example,
  verdict
FROM feature_contract(
  (
    SELECT 0 AS logged, user_id, household_id, lifecycle, channel FROM users
    UNION ALL
    SELECT 1 AS logged, user_id, household_id, lifecycle, channel FROM decisions
  ),
  is_current => logged,
  features => {'household_id': household_id}, levels => {'lifecycle': lifecycle, 'channel': channel}, unit => user_id
)
WHERE finding IN ('rows', 'unit_null', 'duplicates', 'parity')
ORDER BY violations DESC, finding, feature;
