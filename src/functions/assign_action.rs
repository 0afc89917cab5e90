//! `assign_action`: which action a unit gets, drawn by its hash.

use std::sync::Arc;

use datafusion::arrow::array::{Array, Float64Array, StructArray, UInt64Array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, Fields};

use super::adapter::{Argument, Constants, Definition, Invalid, Kind, ON_INVALID};
use crate::allocation::exploration::{TOLERANCE, chosen, unit_draw};

pub(super) static DEFINITION: Definition = Definition {
    name: "assign_action",
    summary: "Action of a unit, drawn with given probabilities by the hash of seed and unit, with its propensity to log.",
    details: "One number in [0, 1) is made of each seed and unit, uniform over units, and placed among the cumulative probabilities in \
        the order of the lists. The same unit, seed and lists give the same action always, on any machine and partitioning; units \
        are compared by value and type, text equals text whatever its encoding. `propensity` is the probability of the action \
        that was chosen: log it with the action. Actions that are drawn with one seed depend on each other: give each \
        exploration a `seed` of its own, or what one assigned decides what the other does. A NULL among the actions can be drawn: the field `action` is then NULL. Lists that are empty, of other lengths than each other, or whose probabilities do not sum to 1 are invalid. NULL when an argument is NULL, when probabilities have a NULL among them, or when \
        the row is invalid with `{'on_invalid': 'skip'}`.",
    holds: "the seed was not chosen by looking at what it assigns.",
    source: "hash-based assignment is common practice; hash: XXH3 (Collet, 2019) mixed by SplitMix64 (Steele, Lea and Flood, 2014).",
    arguments: &[
        Argument::any("unit", "who is assigned; any type but a struct"),
        Argument::any_list("actions", "list of the actions to choose from, of any type"),
        Argument::number_list(
            "probabilities",
            "list of their probabilities in [0, 1], which sum to 1 within 1e-9",
        ),
        Argument::seed(
            "seed",
            "whole number from 0 to 2^53 - 1, another one for each exploration that is to be independent",
        ),
    ],
    short_form: &[],
    clustered: false,
    constants: Constants::Options(&[ON_INVALID]),
    example: "\
SELECT unit, d['action'] AS action, d['propensity'] AS propensity
FROM (
  SELECT unit, assign_action(unit, ['no_offer', 'email', 'coupon'], [0.5, 0.3, 0.2], 20261101) AS d
  FROM (VALUES ('u1'), ('u2'), ('u3')) AS t(unit));",
    kind: Kind::Row {
        returns: "STRUCT(action, propensity DOUBLE)",
        data_type: |types| DataType::Struct(fields(&types[1])),
        apply: |rows| {
            let (units, seeds) = (rows.keys(0)?, rows.numbers(3)?);
            let (actions, probabilities) = (rows.lists(1)?, rows.number_lists(2)?);
            let mut places = Vec::with_capacity(rows.rows);
            let mut propensities = Vec::with_capacity(rows.rows);
            for row in 0..rows.rows {
                let drawn = || -> Result<Option<(usize, f64)>, Invalid> {
                    let (unit, seed) = (units.get(row), seeds.checked(row)?);
                    let (actions, probabilities) = (actions.range(row), probabilities.finite(row)?);
                    let (Some(unit), Some(seed), Some(actions), Some(probabilities)) =
                        (unit, seed, actions, probabilities)
                    else {
                        return Ok(None);
                    };
                    check(actions.len(), probabilities)?;
                    let choice = chosen(probabilities, unit_draw(seed as u64, unit));
                    Ok(choice.map(|choice| (actions.start + choice, probabilities[choice])))
                };
                let drawn = rows.settled(drawn())?;
                places.push(drawn.map(|(place, _)| place as u64));
                propensities.push(drawn.map(|(_, propensity)| propensity));
            }
            let places = UInt64Array::from(places);
            let nulls: Option<NullBuffer> = places.nulls().cloned();
            let chosen = take(&actions.items, &places, None)?;
            let list = DataType::new_list(chosen.data_type().clone(), true);
            let columns = vec![chosen, Arc::new(Float64Array::from(propensities))];
            Ok(Arc::new(StructArray::try_new(fields(&list), columns, nulls)?))
        },
    },
};

/// The fields of the result for a type of lists of actions.
fn fields(actions: &DataType) -> Fields {
    let action = match actions {
        DataType::List(item) => item.data_type().clone(),
        _ => DataType::Null,
    };
    vec![Field::new("action", action, true), Field::new("propensity", DataType::Float64, true)].into()
}

/// Checks the probabilities of a row.
fn check(actions: usize, probabilities: &[f64]) -> Result<(), Invalid> {
    if probabilities.len() != actions {
        return Err(format!(
            "probabilities must be as many as actions, {actions}, got {}",
            probabilities.len()
        ));
    }
    if let Some(p) = probabilities.iter().find(|p| !(0.0..=1.0).contains(*p)) {
        return Err(format!("probabilities must be in [0, 1], got {p}"));
    }
    let sum = probabilities.iter().fold(0.0, |sum, p| sum + p);
    if (sum - 1.0).abs() > TOLERANCE {
        return Err(format!("probabilities must sum to 1, got {sum}"));
    }
    Ok(())
}
