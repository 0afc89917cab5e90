//! `npv_score`: discounted value of an action less its priced cost.

use std::sync::Arc;

use datafusion::arrow::array::Float64Array;
use datafusion::arrow::datatypes::DataType;

use super::adapter::{
    Argument, COST_PRICE, Constants, DISCOUNT, Definition, Invalid, Kind, NumberLists, ON_INVALID,
    PROXY_WEIGHTS,
};
use crate::allocation::net_value::NetValue;

pub(super) static DEFINITION: Definition = Definition {
    name: "npv_score",
    summary: "Net present value of an action: discounted value by period, less its cost at a price.",
    details: "sum over t of w_t v_t / (1 + discount)^t - cost_price * sum over t of c_t / (1 + discount)^t, the first element \
        having t = 0; a number is a list of one, so a cost that falls due at once is a plain number. Without `weights` all w are 1; with them, \
        values are early proxies of a longer effect, and there must be one weight for each. At `cost_price` the shadow price of \
        a budget, a unit's best action is that of the largest score, and none where no score is positive. NULL when \
        values or cost are NULL, empty or have a NULL among them (a lift that is not known is not zero), invalid with \
        `{'on_invalid': 'skip'}`, or when the score is beyond the range of numbers.",
    holds: "the values are lifts of the action over no offer, and the weights turn proxies into value in this population too.",
    source: "Fisher (1930); for weighted proxies Athey, Chetty, Imbens and Kang (2019).",
    arguments: &[
        Argument::numbers("values", "incremental value: a number, or a list of it by period"),
        Argument::numbers("cost", "incremental cost: a number, or a list of it by period"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[DISCOUNT, COST_PRICE, PROXY_WEIGHTS, ON_INVALID]),
    example: "\
SELECT npv_score([10, 5, 5], 3, {'discount': 0.25, 'cost_price': 2}) AS by_period,
  npv_score([4, 120], 3, {'weights': [1, 0.05]}) AS by_proxies;",
    kind: Kind::Row {
        returns: "DOUBLE",
        data_type: |_| DataType::Float64,
        apply: |rows| {
            let options = &rows.call.options;
            let weights = options.list(&PROXY_WEIGHTS);
            let net = NetValue::new(options.number(&DISCOUNT), options.number(&COST_PRICE), weights);
            let (values, costs) = (rows.number_lists(0)?, rows.number_lists(1)?);
            let score = |row| rows.settled(score(&net, &values, &costs, row));
            let scores = (0..rows.rows).map(score).collect::<Result<Float64Array, _>>()?;
            Ok(Arc::new(scores))
        },
    },
};

fn score(
    net: &NetValue,
    values: &NumberLists,
    costs: &NumberLists,
    row: usize,
) -> Result<Option<f64>, Invalid> {
    let (Some(values), Some(costs)) = (values.finite(row)?, costs.finite(row)?) else { return Ok(None) };
    match net.values() {
        Some(weights) if weights != values.len() => {
            Err(format!("values must have one element for each of {weights} weights, got {}", values.len()))
        }
        _ => Ok(net.score(values, costs)),
    }
}
