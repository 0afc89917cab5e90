//! The engine's scalar function that makes a struct of columns, named after them.

use std::sync::Arc;

use datafusion::arrow::array::{Array, StructArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::functions::adapter::{Definition, Described};

/// A struct of the arguments.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(in crate::functions) struct FeaturesFunction(Described);

impl FeaturesFunction {
    pub(in crate::functions) fn new(definition: &'static Definition) -> Self {
        Self(Described::new(definition, Signature::variadic_any(Volatility::Immutable)))
    }
}

impl ScalarUDFImpl for FeaturesFunction {
    fn name(&self) -> &str {
        self.0.definition.name
    }

    fn signature(&self) -> &Signature {
        &self.0.signature
    }

    fn return_type(&self, _arg_types: &[DataType]) -> Result<DataType> {
        internal_err!("features: the type follows from the names of the columns")
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
