-- What do loyalty and offers add to value, each alone and beside the other?
-- Input: decisions. Invitations to the loyalty program were randomised to 40 % of households, offers by
-- their propensity; the two are independent, so the propensity of a combination is the product. Errors take
-- users as independent, so that those of loyalty, which households got, are a little small.
-- Reading: dollars per user over 28 days. isolated is the effect without the other program, beside that with
-- it; a negative interaction means that they compete, and that adding up both effects counts some value
-- twice. Members need an offer less, but that is little and mostly unclear. marginal is what a report of the
-- program alone would show: for offers, which were skewed to users of high predicted value, it overstates;
-- invitations have no such bias. dependent would mean that one program was given by the other.
SELECT
  program,
  finding,
  beside,
  round(estimate, 3) AS estimate,
  round(ci_low, 3) AS ci_low,
  round(ci_high, 3) AS ci_high,
  round(p_holm, 4) AS p_holm,
  smallest_cell,
  verdict
FROM joint_effects(
  decisions,
  outcome => value,
  programs => {'loyalty': loyalty_invited, 'offer': CASE WHEN action = 'no_offer' THEN 0 ELSE 1 END},
  propensity => CASE loyalty_invited WHEN 1 THEN 0.4 ELSE 0.6 END
    * CASE WHEN action = 'no_offer' THEN propensity_no_offer ELSE 1 - propensity_no_offer END
)
ORDER BY program, finding, beside;
