//! Options of object stores in CREATE EXTERNAL TABLE: `OPTIONS ('aws.region' 'eu-west-1')`.

use datafusion::common::{Result, plan_err};
use datafusion::datasource::listing::ListingTableUrl;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};

use super::{StoreOptions, Stores};

/// Options that belong to the store begin with this.
const PREFIX: &str = "aws.";

/// Gives the options of stores in `plan` to `stores` and returns the plan without them.
pub(crate) fn configured(plan: LogicalPlan, stores: &Stores) -> Result<LogicalPlan> {
    let LogicalPlan::Ddl(DdlStatement::CreateExternalTable(mut create)) = plan else {
        return Ok(plan);
    };
    let mut options = StoreOptions::new();
    // The engine puts `format.` before names it does not know.
    create.options.retain(|name, value| {
        let name = name.strip_prefix("format.").unwrap_or(name);
        match name.to_lowercase().strip_prefix(PREFIX) {
            Some(option) => {
                options.insert(option.to_string(), value.clone());
                false
            }
            None => true,
        }
    });
    if !options.is_empty() {
        for location in &create.locations {
            let url = ListingTableUrl::parse(location)?;
            if !matches!(url.scheme(), "s3" | "s3a") {
                return plan_err!("options 'aws.…' are for s3:// locations, got {location}");
            }
            stores.configure(url.get_url(), options.clone());
        }
    }
    Ok(LogicalPlan::Ddl(DdlStatement::CreateExternalTable(create)))
}
