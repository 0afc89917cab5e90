//! What other libraries call Qini and AUUC, for comparison with their numbers.
//!
//! Their curves count rows: `Y1`, `Y0` sum the outcomes and `n1`, `n0` the rows of the treated and the controls among the
//! `k` rows with the largest predictions. Propensities do not enter, and there are no errors.

use super::blocks::downwards;
use super::rows::Scored;

/// Whose definition is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Convention {
    /// Our own: [`super::Measure`].
    Canonical,
    /// scikit-uplift: areas above the diagonal as a share of the best possible one, for outcomes 0 and 1.
    Sklift,
    /// causalml: mean height of the curve above its diagonal, over the curve's end.
    Causalml,
    /// The same, not divided.
    CausalmlRaw,
    /// pylift: area above the diagonal, over shares of the rows.
    Pylift,
}

impl Convention {
    /// Reads the word of an option; the default is our own.
    pub(crate) fn from_option(word: &str) -> Self {
        match word {
            "sklift" => Self::Sklift,
            "causalml" => Self::Causalml,
            "causalml_raw" => Self::CausalmlRaw,
            "pylift" => Self::Pylift,
            _ => Self::Canonical,
        }
    }
}

/// Which curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curve {
    /// `Y1 - Y0 n1 / n0`.
    Qini,
    /// `(Y1 / n1 - Y0 / n0) k`.
    Uplift,
}

/// Rows and outcomes so far, by arm: controls, treated.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    rows: [f64; 2],
    outcomes: [f64; 2],
}

impl Counts {
    fn of<D>(rows: &[Scored<D>]) -> Self {
        let mut counts = Self::default();
        rows.iter().for_each(|row| counts.add(row));
        counts
    }

    fn add<D>(&mut self, row: &Scored<D>) {
        let arm = usize::from(row.weight > 0.0);
        self.rows[arm] += 1.0;
        self.outcomes[arm] += row.outcome;
    }

    fn plus(mut self, arm: usize, outcome: f64, rows: f64) -> Self {
        self.rows[arm] += rows;
        self.outcomes[arm] += outcome * rows;
        self
    }

    fn all(&self) -> f64 {
        self.rows[0] + self.rows[1]
    }

    /// The mean outcome of an arm, NaN without rows.
    fn mean(&self, arm: usize) -> f64 {
        self.outcomes[arm] / self.rows[arm]
    }

    /// The height of a curve; a share of no rows counts as zero.
    fn height(&self, curve: Curve) -> f64 {
        let or_zero = |x: f64| if x.is_nan() { 0.0 } else { x };
        match curve {
            Curve::Qini => self.outcomes[1] - or_zero(self.mean(0)) * self.rows[1],
            Curve::Uplift => (or_zero(self.mean(1)) - or_zero(self.mean(0))) * self.all(),
        }
    }
}

/// The number that a library would give; `None` where it gives none.
pub(super) fn number<D>(convention: Convention, curve: Curve, rows: &[Scored<D>]) -> Option<f64> {
    let all = Counts::of(rows);
    if all.rows.contains(&0.0) {
        return None;
    }
    let number = match convention {
        Convention::Canonical => return None,
        Convention::Sklift => sklift(curve, rows, all)?,
        Convention::Causalml => causalml(curve, rows) / all.height(curve).abs(),
        Convention::CausalmlRaw => causalml(curve, rows),
        Convention::Pylift => pylift(curve, rows, all),
    };
    number.is_finite().then_some(number)
}

/// `(A - A_diagonal) / (A_best - A_diagonal)` with areas by trapezoids between distinct predictions.
fn sklift<D>(curve: Curve, rows: &[Scored<D>], all: Counts) -> Option<f64> {
    if rows.iter().any(|row| row.outcome != 0.0 && row.outcome != 1.0) {
        return None;
    }
    let mut points = vec![Counts::default()];
    let mut counts = Counts::default();
    downwards(rows, |block| {
        block.rows.iter().for_each(|row| counts.add(row));
        points.push(counts);
    });
    // The best ranking, by what happened: responders among the treated first, among the controls last.
    let responders = all.outcomes;
    let others = [all.rows[0] - responders[0], all.rows[1] - responders[1]];
    let start = Counts::default();
    let treated_first = start.plus(1, 1.0, responders[1]);
    let best = match curve {
        Curve::Qini => {
            vec![start, treated_first, treated_first.plus(0, 0.0, others[0]).plus(1, 0.0, others[1]), all]
        }
        Curve::Uplift => {
            let second = treated_first.plus(0, 0.0, others[0]);
            // Of the other two kinds of rows the more numerous one comes first.
            let third = if responders[0] > others[1] {
                second.plus(0, 1.0, responders[0])
            } else {
                second.plus(1, 0.0, others[1])
            };
            vec![start, treated_first, second, third, all]
        }
    };
    let diagonal = all.height(curve) * all.all() / 2.0;
    Some((area(curve, &points) - diagonal) / (area(curve, &best) - diagonal))
}

fn area(curve: Curve, points: &[Counts]) -> f64 {
    let trapezoid = |[one, other]: &[Counts; 2]| {
        (other.all() - one.all()) * (one.height(curve) + other.height(curve)) / 2.0
    };
    points.array_windows().map(trapezoid).sum()
}

/// The mean of the curve's heights before the first row and after each one, less that of its diagonal for the Qini
/// curve. Heights before both arms have rows lie on a line from zero.
fn causalml<D>(curve: Curve, rows: &[Scored<D>]) -> f64 {
    let mut counts = Counts::default();
    let (mut sum, mut height, mut known) = (0.0, 0.0, false);
    for (k, row) in rows.iter().enumerate() {
        counts.add(row);
        let k = (k + 1) as f64;
        let (value, scale) = match curve {
            Curve::Qini => (counts.outcomes[1] - counts.mean(0) * counts.rows[1], 1.0),
            Curve::Uplift => (counts.mean(1) - counts.mean(0), k),
        };
        if value.is_nan() {
            continue;
        }
        if !known {
            known = true;
            // A line from (0, 0) to (k, value), at 1, …, k - 1: of the lift, which is multiplied by the rows.
            let before = match curve {
                Curve::Qini => (k - 1.0) / 2.0,
                Curve::Uplift => (k - 1.0) * (2.0 * k - 1.0) / 6.0,
            };
            sum += value * before;
        }
        height = value * scale;
        sum += height;
    }
    let diagonal = if curve == Curve::Qini { height / 2.0 } else { 0.0 };
    sum / (rows.len() + 1) as f64 - diagonal
}

/// The area of the curve over shares of the rows, less half of its end.
fn pylift<D>(curve: Curve, rows: &[Scored<D>], all: Counts) -> f64 {
    let n = rows.len() as f64;
    let mut counts = Counts::default();
    let (mut area, mut height) = (0.0, 0.0);
    for row in rows {
        counts.add(row);
        let next = match curve {
            Curve::Qini => counts.outcomes[1] / all.rows[1] - counts.outcomes[0] / all.rows[0],
            Curve::Uplift => counts.height(curve) / n,
        };
        area += (height + next) / 2.0 / n;
        height = next;
    }
    area - height / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The inputs of definitions 14: outcome, treated and a prediction, and what each library returned.
    #[test]
    fn libraries_return_these() {
        let y = [1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0];
        let t = [1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0];
        let distinct: [f64; 10] = std::array::from_fn(|i| 0.9 - 0.1 * i as f64);
        let tied = [0.9, 0.9, 0.9, 0.6, 0.5, 0.5, 0.3, 0.2, 0.2, 0.2];
        let rows = |predictions: [f64; 10]| -> Vec<Scored<()>> {
            (0..10)
                .map(|i| Scored {
                    prediction: predictions[i],
                    outcome: y[i],
                    weight: if t[i] == 1.0 { 2.0 } else { -2.0 },
                    dependence: (),
                })
                .collect()
        };
        let (distinct, tied, equal) = (rows(distinct), rows(tied), rows([0.5; 10]));
        for (convention, curve, rows, expected) in [
            (Convention::Sklift, Curve::Qini, &distinct, Some(0.47917)),
            (Convention::Sklift, Curve::Uplift, &distinct, Some(0.42024)),
            (Convention::CausalmlRaw, Curve::Qini, &distinct, Some(0.65152)),
            (Convention::CausalmlRaw, Curve::Uplift, &distinct, Some(1.02424)),
            (Convention::Causalml, Curve::Qini, &distinct, None),
            (Convention::Pylift, Curve::Qini, &distinct, Some(0.18)),
            (Convention::Sklift, Curve::Qini, &tied, Some(0.61458)),
            (Convention::Sklift, Curve::Uplift, &tied, Some(0.54762)),
            (Convention::Sklift, Curve::Qini, &equal, Some(0.0)),
            (Convention::Sklift, Curve::Uplift, &equal, Some(0.0)),
        ] {
            let got = number(convention, curve, rows);
            let same = match (got, expected) {
                (Some(got), Some(expected)) => (got - expected).abs() < 6e-6,
                (got, expected) => got == expected,
            };
            assert!(same, "{convention:?} {curve:?}: {got:?}, not {expected:?}");
        }
    }
}
