//! The engine's scalar function that makes a struct of columns, named after them.

use std::sync::Arc;

use datafusion::arrow::array::{Array, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature,
    TypeSignature, Volatility,
};

use crate::functions::adapter::{Definition, Described};

/// A struct of the arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::functions) struct FeaturesFunction(Described);

impl FeaturesFunction {
    pub(in crate::functions) fn new(definition: &'static Definition) -> Self {
        // The engine lists functions by examples of their arguments, of which any number of any type has none.
        let example = TypeSignature::Exact(vec![DataType::Float64]);
        let signature = Signature::one_of(vec![TypeSignature::VariadicAny, example], Volatility::Immutable);
        Self(Described::new(definition, signature))
    }
}

impl ScalarUDFImpl for FeaturesFunction {
    fn name(&self) -> &str {
        self.0.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    /// For lists of functions alone: names follow from the columns of a call.
    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        let field = |(i, data_type): (usize, &DataType)| Field::new(format!("c{i}"), data_type.clone(), true);
        Ok(DataType::Struct(arg_types.iter().enumerate().map(field).collect()))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let name = self.name();
        for (i, field) in args.arg_fields.iter().enumerate() {
            if args.scalar_arguments[i].is_some() {
                return plan_err!(
                    "{name}: expected columns, got a constant at position {}; name it, as in {{'a': 1}}",
                    i + 1
                );
            }
            if args.arg_fields[..i].iter().any(|other| other.name() == field.name()) {
                return plan_err!("{name}: '{}' is given twice; give it once", field.name());
            }
        }
        let field = |field: &FieldRef| Field::new(field.name(), field.data_type().clone(), true);
        let fields = args.arg_fields.iter().map(field).collect();
        Ok(Arc::new(Field::new(name, DataType::Struct(fields), false)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let DataType::Struct(fields) = args.return_field.data_type().clone() else {
            return internal_err!("features: a struct was planned");
        };
        let columns =
            args.args.iter().map(|arg| arg.to_array(args.number_rows)).collect::<Result<Vec<_>>>()?;
        debug_assert!(columns.iter().all(|column| column.len() == args.number_rows));
        Ok(ColumnarValue::Array(Arc::new(StructArray::try_new(fields, columns, None)?)))
    }

    fn documentation(&self) -> Option<&Documentation> {
        Some(&self.0.documentation)
    }
}
