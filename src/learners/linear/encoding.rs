//! Features as the columns of a linear design.
//!
//! A number is a column, NULL being the mean of the numbers seen in training; if NULL was among them, a second column says
//! where. A category has a column of 0 and 1 for each level seen in training but the first of them in the order given, NULL
//! being a level and the last one. A level not seen in training, NULL included, stands at the mean of the feature's columns
//! over the training rows, as a NULL number does: the prediction is then that of a typical level, not of the first one.

use super::panel::Panel;
use crate::learners::features::{Column, Features, NULL};

/// How each feature becomes columns; fixed by the training rows, kept with the model.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Encoding {
    pub(crate) codings: Vec<Coding>,
}

/// How one feature becomes columns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Coding {
    /// The value that stands for NULL, and whether a second column says where NULL was.
    Numeric { fill: f64, has_null: bool },
    /// The place of each level, that of NULL behind them, and the mean of each column.
    Categorical { places: Vec<Place>, shares: Vec<f64> },
}

/// Where a level of a category is found in the columns of its feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Unseen,
    /// Zero in all columns.
    Reference,
    Column(u32),
}

impl Coding {
    fn fit(column: &Column, rows: impl Iterator<Item = (usize, f64)>) -> Self {
        match column {
            Column::Numeric(values) => {
                let (mut mean, mut seen, mut has_null) = (0.0, 0.0, false);
                for (row, weight) in rows {
                    if values[row].is_nan() {
                        has_null = true;
                    } else {
                        seen += weight;
                        mean += (values[row] - mean) * (weight / seen);
                    }
                }
                Self::Numeric { fill: mean, has_null: has_null && seen > 0.0 }
            }
            Column::Categorical { codes, levels } => {
                let mut seen = vec![0.0; *levels as usize + 1];
                let mut total = 0.0;
                for (row, weight) in rows {
                    if let Some(level) = level_of(codes[row], seen.len()) {
                        seen[level] += weight;
                        total += weight;
                    }
                }
                let mut shares = vec![];
                let mut is_first = true;
                let place = |weight: &f64| {
                    if *weight == 0.0 {
                        return Place::Unseen;
                    }
                    if std::mem::take(&mut is_first) {
                        return Place::Reference;
                    }
                    shares.push(weight / total);
                    Place::Column(shares.len() as u32 - 1)
                };
                Self::Categorical { places: seen.iter().map(place).collect(), shares }
            }
        }
    }

    /// Columns of the feature.
    pub(super) fn width(&self) -> usize {
        match self {
            Self::Numeric { has_null, .. } => 1 + usize::from(*has_null),
            Self::Categorical { shares, .. } => shares.len(),
        }
    }

    fn is_of(&self, column: &Column) -> bool {
        matches!(self, Self::Numeric { .. }) == matches!(column, Column::Numeric(_))
    }
}

/// The index of a code among the levels and NULL behind them; `None` for a level not known.
fn level_of(code: u32, places: usize) -> Option<usize> {
    if code == NULL { Some(places - 1) } else { Some(code as usize).filter(|&code| code + 1 < places) }
}

/// The place of a code.
pub(super) fn place_of(places: &[Place], code: u32) -> Place {
    level_of(code, places.len()).map_or(Place::Unseen, |level| places[level])
}

impl Encoding {
    /// Looks at the rows with a weight above zero. Levels of categories count from the first that occurs.
    pub(crate) fn fit(features: &Features, rows: &[u32], weight: Option<&[f64]>) -> Self {
        let weighted = || {
            let rows = rows.iter().map(|&row| row as usize);
            rows.map(|row| (row, weight.map_or(1.0, |weight| weight[row])))
                .filter(|(_, weight)| *weight > 0.0)
        };
        Self { codings: features.columns.iter().map(|column| Coding::fit(column, weighted())).collect() }
    }

    /// Columns of the design. [`super::Sums`] take memory by its square.
    pub(crate) fn width(&self) -> usize {
        self.codings.iter().map(Coding::width).sum()
    }
}

/// A table seen through an encoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Design<'a> {
    pub(super) encoding: &'a Encoding,
    pub(super) features: &'a Features,
}

impl<'a> Design<'a> {
    /// `None` when the table has other features than the one that the encoding was made for.
    pub(crate) fn new(encoding: &'a Encoding, features: &'a Features) -> Option<Self> {
        let pairs = || encoding.codings.iter().zip(&features.columns);
        let is_same = encoding.codings.len() == features.columns.len()
            && pairs().all(|(coding, column)| coding.is_of(column));
        is_same.then_some(Self { encoding, features })
    }

    /// Columns of the design.
    pub(crate) fn width(&self) -> usize {
        self.encoding.width()
    }

    /// Writes the rows into the columns of a panel from `first` on.
    pub(super) fn fill(&self, rows: &[u32], panel: &mut Panel, mut first: usize) {
        for (coding, column) in self.encoding.codings.iter().zip(&self.features.columns) {
            match (coding, column) {
                (Coding::Numeric { fill, has_null }, Column::Numeric(values)) => {
                    for (x, &row) in panel.column_mut(first).iter_mut().zip(rows) {
                        let value = values[row as usize];
                        *x = if value.is_nan() { *fill } else { value };
                    }
                    if *has_null {
                        for (x, &row) in panel.column_mut(first + 1).iter_mut().zip(rows) {
                            *x = f64::from(values[row as usize].is_nan());
                        }
                    }
                }
                (Coding::Categorical { places, shares }, Column::Categorical { codes, .. }) => {
                    (0..shares.len()).for_each(|j| panel.column_mut(first + j).fill(0.0));
                    for (position, &row) in rows.iter().enumerate() {
                        match place_of(places, codes[row as usize]) {
                            Place::Reference => {}
                            Place::Column(j) => panel.column_mut(first + j as usize)[position] = 1.0,
                            Place::Unseen => {
                                for (j, share) in shares.iter().enumerate() {
                                    panel.column_mut(first + j)[position] = *share;
                                }
                            }
                        }
                    }
                }
                _ => unreachable!("a design is made of features of the encoding's types"),
            }
            first += coding.width();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAN: f64 = f64::NAN;

    fn rows_of(encoding: &Encoding, features: &Features) -> Vec<Vec<f64>> {
        let design = Design::new(encoding, features).unwrap();
        let rows: Vec<u32> = (0..features.rows as u32).collect();
        let mut panel = Panel::new(design.width());
        panel.start(&rows, None);
        design.fill(&rows, &mut panel, 0);
        (0..features.rows).map(|row| (0..design.width()).map(|j| panel.column(j)[row]).collect()).collect()
    }

    #[test]
    fn by_hand() {
        let train = Features {
            columns: vec![
                Column::Numeric(vec![1.0, NAN, 3.0, 5.0]),
                Column::Categorical { codes: vec![1, 3, NULL, 3], levels: 4 },
            ],
            rows: 4,
        };
        let encoding = Encoding::fit(&train, &[0, 1, 2, 3], None);
        let expected =
            [[1.0, 0.0, 0.0, 0.0], [3.0, 1.0, 1.0, 0.0], [3.0, 0.0, 0.0, 1.0], [5.0, 0.0, 1.0, 0.0]];
        assert_eq!(rows_of(&encoding, &train), expected);

        // Levels 0 and 7 were not seen: the shares of level 3 and of NULL stand for them.
        let other = Features {
            columns: vec![
                Column::Numeric(vec![NAN, 7.0]),
                Column::Categorical { codes: vec![0, 7], levels: 4 },
            ],
            rows: 2,
        };
        assert_eq!(rows_of(&encoding, &other), [[3.0, 1.0, 0.5, 0.25], [7.0, 0.0, 0.5, 0.25]]);
    }

    #[test]
    fn rows_without_weight_are_not_seen() {
        let train = Features {
            columns: vec![
                Column::Numeric(vec![1.0, NAN, 9.0]),
                Column::Categorical { codes: vec![0, 1, 0], levels: 2 },
            ],
            rows: 3,
        };
        let encoding = Encoding::fit(&train, &[0, 1, 2], Some(&[3.0, 0.0, 1.0]));
        assert_eq!(rows_of(&encoding, &train), [[1.0], [3.0], [9.0]]);
    }

    #[test]
    fn nothing_to_see() {
        let train = Features {
            columns: vec![
                Column::Numeric(vec![NAN, NAN]),
                Column::Categorical { codes: vec![NULL, NULL], levels: 0 },
            ],
            rows: 2,
        };
        for rows in [&[0, 1][..], &[]] {
            assert_eq!(rows_of(&Encoding::fit(&train, rows, None), &train), [[0.0], [0.0]]);
        }
        let none = Features { columns: vec![], rows: 2 };
        assert_eq!(Encoding::fit(&none, &[0, 1], None).width(), 0);
        assert!(Design::new(&Encoding::fit(&train, &[0], None), &none).is_none());
    }
}
