//! Relation functions written in SQL: `sql/relations/NAME.sql`, one file a function.
//!
//! The header comment is documentation and signature (`header`), the body a query over a relation `input` that has the
//! declared columns. A call becomes that query with the caller's relation and arguments in it (`substitution`).

mod header;
mod substitution;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use datafusion::common::{Result, exec_datafusion_err, plan_err};
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{Query, TableFactor};

use super::RelationFunction;
use super::call::RelationCall;
use super::documentation::Documentation;

/// The files of `sql/relations`.
const FILES: [(&str, &str); 15] = [
    ("arm_effects", include_str!("../../../sql/relations/arm_effects.sql")),
    ("balance_table", include_str!("../../../sql/relations/balance_table.sql")),
    ("calibration_over_time", include_str!("../../../sql/relations/calibration_over_time.sql")),
    ("cate_grid", include_str!("../../../sql/relations/cate_grid.sql")),
    ("cell_support", include_str!("../../../sql/relations/cell_support.sql")),
    ("confidence_sequence", include_str!("../../../sql/relations/confidence_sequence.sql")),
    ("drift_report", include_str!("../../../sql/relations/drift_report.sql")),
    ("feature_contract", include_str!("../../../sql/relations/feature_contract.sql")),
    ("horizon_reliability", include_str!("../../../sql/relations/horizon_reliability.sql")),
    ("joint_effects", include_str!("../../../sql/relations/joint_effects.sql")),
    ("log_contract", include_str!("../../../sql/relations/log_contract.sql")),
    ("ope_report", include_str!("../../../sql/relations/ope_report.sql")),
    ("overlap_report", include_str!("../../../sql/relations/overlap_report.sql")),
    ("propensity_audit", include_str!("../../../sql/relations/propensity_audit.sql")),
    ("uplift_report", include_str!("../../../sql/relations/uplift_report.sql")),
];

/// A relation function written in SQL.
#[derive(Clone, Debug)]
pub(super) struct SqlMacro {
    documentation: Documentation,
    /// The query over `input`, with `:name` where a constant goes.
    body: Box<Query>,
}

/// The macros of this crate.
pub(super) fn built_in() -> impl Iterator<Item = SqlMacro> {
    FILES
        .into_iter()
        .map(|(name, text)| SqlMacro::parse(name, text).expect("a test parses each of these files"))
}

impl SqlMacro {
    /// Reads the text of a file that is named after its function.
    ///
    /// # Errors
    ///
    /// When the header does not follow its form, the body is not one query, or it names a constant that the header does
    /// not declare.
    fn parse(name: &str, text: &str) -> Result<Self> {
        let documentation = header::parse(name, text)?;
        let body = substitution::parse_body(name, text)?;
        substitution::check(&documentation, &body)?;
        Ok(Self { documentation, body })
    }

    /// Reads the `.sql` files of a directory.
    pub(super) fn read_all(directory: &Path) -> Result<Vec<Self>> {
        let failed = |error| exec_datafusion_err!("macros: cannot read {}: {error}", directory.display());
        let entries = fs::read_dir(directory).map_err(failed)?;
        let mut paths = entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect::<Result<Vec<_>>>()?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "sql"));
        paths.sort();
        let read = |path: &std::path::PathBuf| {
            let text = fs::read_to_string(path).map_err(failed)?;
            let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            Self::parse(&name, &text)
        };
        paths.iter().map(read).collect()
    }
}

impl RelationFunction for SqlMacro {
    fn documentation(&self) -> &Documentation {
        &self.documentation
    }

    fn plan(&self, call: RelationCall, context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
        let places = call.places();
        let subquery = substitution::substitute(&self.documentation, &self.body, call, context)?;
        let planned =
            context.plan(TableFactor::Derived { lateral: false, subquery, alias: None, sample: None });
        planned.map_err(|error| places.blame(error))
    }

    fn callees(&self) -> Vec<String> {
        substitution::callees(&self.body)
    }
}

/// Refuses macros that call themselves, directly or through others: their plan would have no end.
pub(super) fn refuse_circles(functions: impl Iterator<Item = (String, Vec<String>)>) -> Result<()> {
    let callees: BTreeMap<_, _> = functions.collect();
    for start in callees.keys() {
        let mut reached = vec![start];
        let mut next = 0;
        while let Some(&caller) = reached.get(next) {
            for callee in callees.get(caller).into_iter().flatten() {
                if callee == start {
                    return plan_err!("macros: {start} calls itself through {caller}; a macro cannot");
                }
                if !reached.contains(&callee) {
                    reached.push(callee);
                }
            }
            next += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_this_crate_are_macros() {
        for (name, text) in FILES {
            SqlMacro::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        }
    }

    #[test]
    fn circles_are_refused() {
        let calls = |pairs: &[(&str, &str)]| {
            refuse_circles(
                pairs.iter().map(|(caller, callee)| (caller.to_string(), vec![callee.to_string()])),
            )
        };
        assert!(calls(&[("a", "b"), ("b", "c")]).is_ok());
        let error = calls(&[("a", "b"), ("b", "c"), ("c", "b")]).unwrap_err().to_string();
        assert!(error.contains("b calls itself through c"), "{error}");
    }

    #[test]
    fn what_is_no_macro_is_refused_with_the_reason() {
        let refusal = |text: &str| SqlMacro::parse("m", text).map(|_| ()).unwrap_err().to_string();
        let head = "-- Says how.\n-- @column y the outcome\n-- @example SELECT 1;\n";
        assert!(refusal("SELECT 1").contains("m.sql: opens with no comment"));
        assert!(refusal(&format!("{head}DELETE FROM input")).contains("expected one query"));
        assert!(refusal(&format!("{head}SELECT :nosuch FROM input")).contains("':nosuch' is not declared"));
        assert!(refusal(&format!("{head}-- @colum z\nSELECT 1")).contains("unknown tag '@colum'"));
        let ctes = "WITH a AS (SELECT 1), b AS (WITH a AS (SELECT 2) SELECT * FROM a) SELECT * FROM b";
        assert!(refusal(&format!("{head}{ctes}")).contains("two CTEs are named 'a'"));
    }
}
