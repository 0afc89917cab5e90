//! A line on the terminal about a query that takes long.

use std::io::{self, IsTerminal, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use datafusion::common::stats::Precision;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};

/// Queries that are done by then have no line.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often the line is drawn.
const INTERVAL: Duration = Duration::from_millis(250);
/// Returns to the start of a line and clears it.
const CLEAR: &str = "\r\x1b[K";

/// Shows on standard error how far a query is. Dropping it clears the line.
pub(super) struct Progress {
    shared: Arc<Shared>,
    /// Not on the engine's threads, which the query keeps busy.
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    plan: Option<Arc<dyn ExecutionPlan>>,
    is_over: bool,
}

impl Progress {
    /// Starts the clock; `None` when nobody looks at standard error.
    pub(super) fn start() -> Option<Self> {
        if !io::stderr().is_terminal() {
            return None;
        }
        let shared = Arc::new(Shared::default());
        let seen = shared.clone();
        let thread = thread::Builder::new().name("causal-progress".into()).spawn(move || seen.draw()).ok()?;
        Some(Self { shared, thread: Some(thread) })
    }

    /// Takes the numbers from this plan from now on.
    pub(super) fn watch(&self, plan: &Arc<dyn ExecutionPlan>) {
        self.shared.lock().plan = Some(plan.clone());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It has nothing to say that matters now.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is whole whatever its holder was doing.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self) {
        let start = Instant::now();
        let mut wait = PATIENCE;
        loop {
            let state = self.lock();
            let waited = self.changed.wait_timeout_while(state, wait, |state| !state.is_over);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (is_over, plan) = (state.is_over, state.plan.clone());
            drop(state);
            let is_drawn = start.elapsed() >= PATIENCE && wait == INTERVAL;
            let line = match (is_over, is_drawn) {
                (true, false) => return,
                (true, true) => CLEAR.to_string(),
                (false, _) => format!("{CLEAR}{}", line(start.elapsed(), plan.as_deref())),
            };
            let mut stderr = io::stderr();
            // A terminal that went away has no use for it.
            let _ = stderr.write_all(line.as_bytes()).and_then(|()| stderr.flush());
            if is_over {
                return;
            }
            wait = INTERVAL;
        }
    }
}

/// What a plan has done so far.
#[derive(Debug, Default, PartialEq)]
struct Work {
    rows: usize,
    /// Rows of all that is to be read, when that is known.
    total: Option<usize>,
    read: usize,
    spilled: usize,
    /// Passes of a solver over what was read.
    passes: usize,
    /// Functions that trainings have fitted, and that they are to fit.
    fitted: usize,
    planned: usize,
}

impl Work {
    fn of(plan: &dyn ExecutionPlan) -> Self {
        let mut work = Self { total: Some(0), ..Self::default() };
        work.add(plan);
        work
    }

    fn add(&mut self, plan: &dyn ExecutionPlan) {
        let metrics = plan.metrics().unwrap_or_default();
        self.spilled += metrics.spilled_bytes().unwrap_or(0);
        let named = |name| metrics.sum_by_name(name).map_or(0, |sum| sum.as_usize());
        self.passes += named("passes");
        self.fitted += named("fitted_functions");
        self.planned += named("planned_functions");
        let inputs = plan.children();
        if inputs.is_empty() {
            self.rows += metrics.output_rows().unwrap_or(0);
            self.read += named("bytes_scanned");
            let rows = StatisticsContext::new().compute(plan, &StatisticsArgs::new());
            let rows = rows.map(|statistics| statistics.num_rows);
            self.total = match (self.total, rows) {
                (Some(total), Ok(Precision::Exact(rows) | Precision::Inexact(rows))) => Some(total + rows),
                _ => None,
            };
        }
        inputs.iter().for_each(|input| self.add(input.as_ref()));
    }

    /// The time until everything is read.
    fn left(&self, elapsed: Duration) -> Option<Duration> {
        let done = self.rows as f64 / self.total? as f64;
        (done > 0.0 && done < 1.0).then(|| elapsed.mul_f64(1.0 / done - 1.0))
    }
}

fn line(elapsed: Duration, plan: Option<&dyn ExecutionPlan>) -> String {
    let mut parts = vec![seconds(elapsed)];
    if let Some(plan) = plan {
        let work = Work::of(plan);
        parts.push(format!("{} rows read", short(work.rows, 1000.0, &["", "k", "M", "G", "T"])));
        let bytes = |bytes| short(bytes, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB"]);
        if work.read > 0 {
            parts.push(bytes(work.read));
        }
        if work.spilled > 0 {
            parts.push(format!("{} spilled", bytes(work.spilled)));
        }
        if work.passes > 0 {
            parts.push(format!("{} passes", work.passes));
        }
        if work.planned > 0 {
            parts.push(format!("{} of {} functions fitted", work.fitted, work.planned));
        }
        if let Some(left) = work.left(elapsed) {
            parts.push(format!("about {} left", seconds(left)));
        }
    }
    parts.join(", ")
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds => format!("{:.1} h", seconds as f64 / 3600.0),
    }
}

/// A number with three digits or so and its unit.
fn short(number: usize, step: f64, units: &[&str]) -> String {
    let (mut value, mut unit) = (number as f64, 0);
    while value >= step && unit + 1 < units.len() {
        value /= step;
        unit += 1;
    }
    let digits = if unit == 0 || value >= 100.0 { 0 } else { 1 };
    format!("{value:.digits$} {}", units[unit]).trim_end().to_string()
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::SessionContext;

    use super::*;

    #[test]
    fn numbers_are_short() {
        let rows = |rows| short(rows, 1000.0, &["", "k", "M"]);
        assert_eq!([rows(0), rows(999), rows(1500), rows(250_000)], ["0", "999", "1.5 k", "250 k"]);
        assert_eq!(short(3 << 29, 1024.0, &["B", "KiB", "MiB", "GiB"]), "1.5 GiB");
        let times = [5, 119, 120, 9000].map(|time| seconds(Duration::from_secs(time)));
        assert_eq!(times, ["5 s", "119 s", "2 min", "2.5 h"]);
    }

    #[test]
    fn time_left_follows_the_share_that_is_read() {
        let work = Work { rows: 250, total: Some(1000), ..Work::default() };
        assert_eq!(work.left(Duration::from_secs(10)), Some(Duration::from_secs(30)));
        assert_eq!(Work { rows: 1000, ..work }.left(Duration::from_secs(10)), None);
        assert_eq!(Work { rows: 5, total: None, ..Work::default() }.left(Duration::from_secs(1)), None);
    }

    #[tokio::test]
    async fn a_plan_says_what_it_has_read() {
        let context = SessionContext::new();
        let query = "SELECT sum(x) FROM (VALUES (1), (2), (3)) AS t(x) CROSS JOIN (VALUES (1), (2)) AS u(y)";
        let plan = context.sql(query).await.unwrap().create_physical_plan().await.unwrap();
        assert_eq!(Work::of(plan.as_ref()).total, Some(5));
        datafusion::physical_plan::collect(plan.clone(), context.task_ctx()).await.unwrap();
        assert!(line(Duration::from_secs(3), Some(plan.as_ref())).starts_with("3 s, "));
    }
}
