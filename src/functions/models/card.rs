//! What a model says of itself.

use std::fmt::Write;

use datafusion::arrow::array::ArrayRef;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::ColumnarValue;

use super::bytes::{Counts, Data, Trained};
use super::places::is_bytes;
use super::prediction::models_of;
use super::schema::{Feature, Kind};

/// The card of each model, as JSON; `None` where there is none.
pub(in crate::functions) fn card(
    function: &str,
    models: &ArrayRef,
    rows: usize,
) -> Result<Vec<Option<String>>> {
    if !is_bytes(models.data_type()) {
        return plan_err!(
            "{function}: model must be what a training function such as cate_xlearner returns, got {}",
            models.data_type()
        );
    }
    let mut cards = vec![None; rows];
    for (bytes, of_model) in models_of(&ColumnarValue::Array(ArrayRef::clone(models)), rows)? {
        let json = Trained::from_bytes(function, &bytes)?.card();
        for row in of_model.into_iter().flatten() {
            cards[row as usize] = Some(json.clone());
        }
    }
    Ok(cards)
}

impl Trained {
    fn card(&self) -> String {
        let Data { counts: Counts { rows, treated, skipped, clipped }, has_units } = self.data;
        let drawing = self.model.drawing;
        let heads: Vec<String> =
            self.heads.iter().filter(|head| !head.is_empty()).map(|head| quoted(head)).collect();
        let gains = self.model.gains();
        let features = self.schema.features.iter().enumerate().map(|(i, Feature { name, kind })| {
            let (kind, levels) = match kind {
                Kind::Number => ("number", "null".to_string()),
                Kind::Boolean => ("boolean", "null".to_string()),
                Kind::Text(levels) => ("text", levels.len().to_string()),
            };
            let gain = gains.get(i).map_or("null".to_string(), f64::to_string);
            format!(r#"{{"name":{},"type":"{kind}","levels":{levels},"gain":{gain}}}"#, quoted(name))
        });
        let features: Vec<String> = features.collect();
        let trees = self.model.trees().map_or("null".to_string(), |trees| trees.to_string());
        format!(
            r#"{{"function":{},"options":{},"heads":[{}],"rows":{rows},"treated":{treated},"skipped":{skipped},"clipped":{clipped},"by_unit":{has_units},"folds":{},"bags":{},"seed":{},"members":{},"trees":{trees},"features":[{}]}}"#,
            quoted(&self.function),
            options(&self.options),
            heads.join(","),
            drawing.folds,
            drawing.bags,
            drawing.seed,
            self.model.members.len(),
            features.join(",")
        )
    }
}

/// Options as a JSON object, of their text: `learner=linear,l2=0.001`. What is without limit is null.
fn options(text: &str) -> String {
    let member = |(name, value): (&str, &str)| {
        let value = match (value, value.parse::<f64>()) {
            ("true" | "false", _) => value.to_string(),
            (_, Ok(number)) if number.is_finite() => number.to_string(),
            (_, Ok(_)) => "null".to_string(),
            (_, Err(_)) => quoted(value),
        };
        format!("{}:{value}", quoted(name))
    };
    let members: Vec<String> =
        text.split(',').filter_map(|option| option.split_once('=')).map(member).collect();
    format!("{{{}}}", members.join(","))
}

/// A text as JSON writes it.
fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
