//! `exploration_probabilities`: how likely each action should be while little is known.

use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::exec_err;

use super::adapter::{
    Argument, Constants, Definition, FLOOR, Invalid, Kind, ON_INVALID, TEMPERATURE, number_list_column,
};
use crate::allocation::exploration::Exploration;

pub(super) static DEFINITION: Definition = Definition {
    name: "exploration_probabilities",
    summary: "Probabilities of actions to explore with: skewed to high value and low cost, never below a floor.",
    details: "With u = v / max|v| - c / max|c| over the actions of the row (0 / 0 = 0) the probability of an action is floor + (1 - K \
        floor) softmax(u / temperature), K being the number of actions; in the order of the lists, no-offer first. They sum to 1 \
        but for rounding, below 1e-14 for 60 actions. The floor bounds the weights of what is evaluated on the log later, by 1 / floor; \
        K floor above 1 is an error. NULL when a list is NULL, empty or has a NULL among its elements, or invalid with \
        `{'on_invalid': 'skip'}`; lists of unequal length are invalid.",
    holds: "",
    source: "softmax exploration: Luce (1959), Sutton and Barto (1998); its scale and floor are ours.",
    arguments: &[
        Argument::number_list("values", "list of the predicted value lifts of the actions, 0 for no offer"),
        Argument::number_list("costs", "list of their predicted costs, 0 for no offer"),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[FLOOR, TEMPERATURE, ON_INVALID]),
    example: "SELECT exploration_probabilities([0, 4, 2], [0, 1, 2], {'floor': 0.1}) AS probabilities;",
    kind: Kind::Row {
        returns: "DOUBLE[]",
        data_type: |_| DataType::new_list(DataType::Float64, true),
        apply: |rows| {
            let options = &rows.call.options;
            let exploration =
                Exploration { floor: options.number(&FLOOR), temperature: options.number(&TEMPERATURE) };
            let (values, costs) = (rows.number_lists(0)?, rows.number_lists(1)?);
            let mut probabilities = vec![];
            let mut lengths = Vec::with_capacity(rows.rows);
            let mut are_known = Vec::with_capacity(rows.rows);
            for row in 0..rows.rows {
                let start = probabilities.len();
                let actions = values.finite(row).and_then(|v| Ok(v.zip(costs.finite(row)?)));
                let actions = actions.and_then(checked);
                if let Some((values, costs)) = rows.settled(actions)? {
                    if !exploration.has_room_for(values.len()) {
                        return exec_err!(
                            "{}: floor must be at most 1 / {}, one over the number of actions, got {}; lower it",
                            rows.call.function,
                            values.len(),
                            exploration.floor
                        );
                    }
                    exploration.push_probabilities(values, costs, &mut probabilities);
                }
                lengths.push(probabilities.len() - start);
                are_known.push(probabilities.len() > start);
            }
            number_list_column(probabilities, lengths, NullBuffer::from(are_known))
        },
    },
};

/// The values and the costs of the actions of a row.
type Actions<'a> = (&'a [f64], &'a [f64]);

fn checked(actions: Option<Actions<'_>>) -> Result<Option<Actions<'_>>, Invalid> {
    let Some((values, costs)) = actions else { return Ok(None) };
    if values.len() != costs.len() {
        return Err(format!("costs must be as many as values, {}, got {}", values.len(), costs.len()));
    }
    Ok((!values.is_empty()).then_some((values, costs)))
}
