//! The table of features that learners see.

/// The code of a category that is NULL.
pub(crate) const NULL: u32 = u32::MAX;

/// Features by column.
#[derive(Clone, Debug)]
pub(crate) struct Features {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: usize,
}

/// One feature. Infinities are refused before they come here.
#[derive(Clone, Debug)]
pub(crate) enum Column {
    /// Numbers, NaN being NULL.
    Numeric(Vec<f64>),
    /// Codes of levels that the caller knows, [`NULL`] being NULL; a code from `levels` on is a level not known.
    Categorical { codes: Vec<u32>, levels: u32 },
}

impl Column {
    /// Bytes of all rows.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Numeric(values) => size_of_val(values.as_slice()),
            Self::Categorical { codes, .. } => size_of_val(codes.as_slice()),
        }
    }
}
