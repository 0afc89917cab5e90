//! The engine's scalar function of a definition: a number for each row.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::{ColumnarValue, Documentation, ScalarFunctionArgs, ScalarUDFImpl, Signature};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::expressions::Literal;

use super::bound::RowScore;
use super::call::{Call, Layout};
use super::definition::{Definition, Kind};
use super::described::Described;
use super::reader::{Reader, Sink};
use super::signature::{coerce, signature};
use crate::estimators::Rows;

/// A scalar function.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::functions) struct ScoreFunction(Described);

impl ScoreFunction {
    pub(in crate::functions) fn new(definition: &'static Definition) -> Self {
        Self(Described::new(definition, signature(definition)))
    }
}

impl ScalarUDFImpl for ScoreFunction {
    fn name(&self) -> &str {
        self.0.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        coerce(self.0.definition, self.name(), arg_types)?;
        Ok(DataType::Float64)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(coerce(self.0.definition, self.name(), arg_types).unwrap_or_else(|_| arg_types.to_vec()))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Kind::Score { bind } = &self.0.definition.kind else {
            return internal_err!("{} is not a row score", self.name());
        };
        let (layout, call) = bound_call(self.0.definition, &args.args)?;
        let score = bind(&call)?;
        let reader = Reader::new(self.0.definition, &call, &layout);

        let all_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if all_constant { 1 } else { args.number_rows };
        let columns = args.args.iter().map(|arg| arg.to_array(rows)).collect::<Result<Vec<ArrayRef>>>()?;
        let mut sink = Scores { score: &score, scores: vec![None; rows] };
        let positions: Vec<usize> = (0..rows).collect();
        reader.read(&columns, None, &positions, &mut sink)?;
        let scores = Float64Array::from(sink.scores);
        Ok(if all_constant {
            ColumnarValue::Scalar(ScalarValue::try_from_array(&scores, 0)?)
        } else {
            ColumnarValue::Array(Arc::new(scores))
        })
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.0.documentation)
    }
}

/// The layout and the constants of a call of a scalar function.
pub(super) fn bound_call(definition: &'static Definition, args: &[ColumnarValue]) -> Result<(Layout, Call)> {
    let types: Vec<_> = args.iter().map(ColumnarValue::data_type).collect();
    let layout = Layout::new(definition, definition.name, &types)?;
    if let (Some(DataType::Struct(_)), Some(ColumnarValue::Array(_))) = (types.last(), args.last()) {
        return plan_err!("{}: options must be constants, got a column", definition.name);
    }
    let call = Call::new(definition, definition.name, &layout, &constants(args), |_| true)?;
    Ok((layout, call))
}

/// The arguments as constant expressions, NULL for columns.
fn constants(args: &[ColumnarValue]) -> Vec<Arc<dyn PhysicalExpr>> {
    args.iter()
        .map(|arg| -> Arc<dyn PhysicalExpr> {
            Arc::new(Literal::new(match arg {
                ColumnarValue::Scalar(scalar) => scalar.clone(),
                ColumnarValue::Array(_) => ScalarValue::Null,
            }))
        })
        .collect()
}

/// Each row is its own group; skipped rows stay NULL.
struct Scores<'a> {
    score: &'a RowScore,
    scores: Vec<Option<f64>>,
}

impl Sink for Scores<'_> {
    fn rows(&mut self, rows: Rows<'_>, groups: &[usize]) {
        for (i, &group) in groups.iter().enumerate() {
            self.scores[group] = self.score.score(rows.columns, i);
        }
    }

    fn skipped(&mut self, _group: usize) {}
}
