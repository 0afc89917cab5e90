//! Calibration of predicted effects: the slope of the actual effect on the predicted one, 1 when predictions are right.
//!
//! Two forms. BLP on scores: least squares of the row scores on the prediction. grf: least squares without intercept of
//! the outcome about its mean on `(T - e)` times the mean prediction and `(T - e)` times the prediction about it.
//! Sources: Chernozhukov, Demirer, Duflo and Fernández-Val (2018); Athey and Wager (2019).

use super::influences::variance_of;
use super::over_rows::{RowEstimate, RowFunction};
use super::rows::{Dependence, Scored};
use super::scores::{Scorer, Scores};
use crate::estimators::aggregate::Rows;
use crate::estimators::inference::{Appended, Summary};

/// What is regressed on what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlopeForm {
    /// Row scores on the prediction.
    Blp,
    /// Outcomes on the treatment times the prediction.
    Grf,
}

impl SlopeForm {
    /// Reads the word of an option; the default is BLP on scores.
    pub(crate) fn from_option(word: &str) -> Self {
        match word {
            "grf" => Self::Grf,
            _ => Self::Blp,
        }
    }
}

/// Columns: prediction, outcome (or score), treated, propensity = P(treated).
#[derive(Clone, Debug)]
pub(crate) struct CalibrationSlope<D> {
    scores: Scores,
    form: SlopeForm,
    dependence: std::marker::PhantomData<D>,
}

/// A fitted line.
enum Fit {
    Blp { slope: f64, mean_prediction: f64, mean_score: f64, spread: f64, scorer: Scorer },
    Grf { slope: f64, alpha: f64, mean_prediction: f64, mean_outcome: f64, direction: [f64; 2] },
}

impl Fit {
    fn slope(&self) -> f64 {
        match self {
            Self::Blp { slope, .. } | Self::Grf { slope, .. } => *slope,
        }
    }

    /// The intercept, or the coefficient of the mean prediction, in their places.
    fn appended(&self) -> Appended {
        match *self {
            Self::Blp { slope, mean_prediction, mean_score, .. } => {
                [Some(mean_score - slope * mean_prediction), None, None]
            }
            Self::Grf { alpha, .. } => [None, Some(alpha), None],
        }
    }

    /// The influence of a row on the slope.
    fn influence<D>(&self, row: &Scored<D>) -> f64 {
        match self {
            Self::Blp { slope, mean_prediction, mean_score, spread, scorer } => {
                let (x, y) = (row.prediction - mean_prediction, scorer.score(row) - mean_score);
                x * (y - slope * x) / spread
            }
            Self::Grf { slope, alpha, mean_prediction, mean_outcome, direction } => {
                let [c, d] = regressors(row, *mean_prediction);
                (direction[0] * c + direction[1] * d) * (row.outcome - mean_outcome - alpha * c - slope * d)
            }
        }
    }
}

/// `(T - e)` times the mean prediction, and times the prediction about it.
fn regressors<D>(row: &Scored<D>, mean_prediction: f64) -> [f64; 2] {
    // The weight is 1 / e of the treated and -1 / (1 - e) of the controls.
    let assignment = f64::from(row.weight > 0.0) * 2.0 - 1.0 - 1.0 / row.weight;
    [assignment * mean_prediction, assignment * (row.prediction - mean_prediction)]
}

impl<D: Dependence> CalibrationSlope<D> {
    pub(crate) const APPENDED: &[&str] = &["intercept", "mean_coefficient"];

    pub(crate) fn new(scores: Scores, form: SlopeForm) -> Self {
        Self { scores, form, dependence: std::marker::PhantomData }
    }

    /// `None` when an arm is missing or all predictions are equal.
    fn fit(&self, rows: &[Scored<D>], scorer: &Scorer) -> Option<Fit> {
        match self.form {
            SlopeForm::Blp => blp(rows, scorer),
            SlopeForm::Grf => grf(rows),
        }
    }
}

fn mean<D>(rows: &[Scored<D>], value: impl Fn(&Scored<D>) -> f64) -> Option<f64> {
    let origin = value(rows.first()?);
    Some(origin + rows.iter().map(|row| value(row) - origin).sum::<f64>() / rows.len() as f64)
}

fn blp<D>(rows: &[Scored<D>], scorer: &Scorer) -> Option<Fit> {
    let (mean_prediction, mean_score) =
        (mean(rows, |row| row.prediction)?, mean(rows, |row| scorer.score(row))?);
    let (mut squares, mut products) = (0.0, 0.0);
    for row in rows {
        let (x, y) = (row.prediction - mean_prediction, scorer.score(row) - mean_score);
        squares += x * x;
        products += x * y;
    }
    let slope = (squares > 0.0).then(|| products / squares)?;
    Some(Fit::Blp {
        slope,
        mean_prediction,
        mean_score,
        spread: squares / rows.len() as f64,
        scorer: *scorer,
    })
}

fn grf<D>(rows: &[Scored<D>]) -> Option<Fit> {
    let (mean_prediction, mean_outcome) = (mean(rows, |row| row.prediction)?, mean(rows, |row| row.outcome)?);
    let (mut cc, mut cd, mut dd, mut cy, mut dy) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for row in rows {
        let ([c, d], y) = (regressors(row, mean_prediction), row.outcome - mean_outcome);
        cc += c * c;
        cd += c * d;
        dd += d * d;
        cy += c * y;
        dy += d * y;
    }
    let determinant = cc * dd - cd * cd;
    // Predictions whose mean is zero leave the first regressor without a coefficient.
    if determinant <= cc * dd * f64::EPSILON {
        return None;
    }
    let scale = rows.len() as f64 / determinant;
    Some(Fit::Grf {
        slope: (cc * dy - cd * cy) / determinant,
        alpha: (dd * cy - cd * dy) / determinant,
        mean_prediction,
        mean_outcome,
        direction: [-cd * scale, cc * scale],
    })
}

impl<D: Dependence> RowFunction for CalibrationSlope<D> {
    type Dependence = D;
    type Outcome = f64;
    type Output = Option<f64>;

    const ORDERED: bool = false;

    fn keep(&self, rows: &Rows<'_>, i: usize) -> Scored<D> {
        self.scores.read(rows, i)
    }

    fn apply(&self, rows: &[Scored<D>]) -> Option<f64> {
        let scorer = Scorer::new(self.scores, rows)?;
        self.fit(rows, &scorer).map(|fit| fit.slope()).filter(|slope| slope.is_finite())
    }
}

impl<D: Dependence> RowEstimate for CalibrationSlope<D> {
    fn summary(&self, rows: &[Scored<D>]) -> (Summary, Appended) {
        let mut summary = Summary::default();
        let Some(scorer) = Scorer::new(self.scores, rows) else {
            return (summary, Appended::default());
        };
        summary.ess = Some(scorer.ess);
        let Some(fit) = self.fit(rows, &scorer) else {
            return (summary, Appended::default());
        };
        summary.estimate = Some(fit.slope());
        let influences = rows.iter().map(|row| (fit.influence(row), row.dependence));
        if let Some((variance, cluster_df)) = variance_of(influences, rows.len()) {
            summary.variance = Some(variance);
            summary.cluster_df = cluster_df;
        }
        (summary, fit.appended())
    }
}
