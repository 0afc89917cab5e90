//! Sums of rows as bytes, read as what a stranger may have made of them.

use super::{Streamed, StreamedRows};
use crate::learners::codec::{Reader, Writer};
use crate::learners::features::NULL;
use crate::learners::linear::{Flags, Products};

impl Streamed {
    /// Appends the sums to bytes.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        let out = &mut Writer(out);
        for (of_level, of_null) in self.flags.parts() {
            out.list(of_level, |out, flag| out.int(*flag));
            out.int(of_null.unwrap_or(NULL));
        }
        let all = self.cells.iter().chain(&self.undrawn).chain(&self.unweighted);
        all.for_each(|products| products.write(out));
        out.long(self.low.to_bits());
        out.long(self.high.to_bits());
    }

    /// Reads what [`Self::write`] wrote of such rows; `None` for anything else.
    pub(crate) fn read(bytes: &[u8], rows: StreamedRows) -> Option<Self> {
        let reader = &mut Reader(bytes);
        let mut sums = Self::new(rows);
        let of_feature = |reader: &mut Reader<'_>| {
            let of_level = reader.list(size_of::<u32>(), Reader::int)?;
            Some((of_level, Some(reader.int()?).filter(|flag| *flag != NULL)))
        };
        let parts = sums.rows.features().iter().map(|_| of_feature(reader)).collect::<Option<_>>()?;
        sums.flags = Flags::from_parts(parts)?;
        let (count, flags) = (sums.rows.numbers(), sums.flags.count());
        for products in sums.cells.iter_mut().chain(&mut sums.undrawn).chain(&mut sums.unweighted) {
            *products = Products::read(reader, count, flags)?;
        }
        (sums.low, sums.high) = (f64::from_bits(reader.long()?), f64::from_bits(reader.long()?));
        reader.0.is_empty().then_some(sums)
    }
}
