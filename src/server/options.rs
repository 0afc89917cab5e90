//! Options of sessions as clients set them: messages of the Flight protocol (arrow-flight has none of them yet), and what they
//! stand for.

use std::collections::HashMap;

use datafusion::common::config::ConfigOptions;
use prost::{Enumeration, Message, Oneof};

use super::catalog::{CATALOG, SCHEMA};
use super::sessions::Session;
use super::statements::SETTINGS;

const CATALOG_OPTION: &str = "catalog";
const SCHEMA_OPTION: &str = "schema";

/// Options to set, by name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SetSessionOptionsRequest {
    #[prost(map = "string, message", tag = "1")]
    pub(super) session_options: HashMap<String, SessionOptionValue>,
}

/// What was wrong with options, by name; the others are set.
#[derive(Clone, PartialEq, Message)]
pub(super) struct SetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub(super) errors: HashMap<String, OptionError>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct OptionError {
    #[prost(enumeration = "ErrorValue", tag = "1")]
    pub(super) value: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum ErrorValue {
    Unspecified = 0,
    InvalidName = 1,
    InvalidValue = 2,
    Error = 3,
}

/// The options of a session, by name.
#[derive(Clone, PartialEq, Message)]
pub(super) struct GetSessionOptionsResult {
    #[prost(map = "string, message", tag = "1")]
    pub(super) session_options: HashMap<String, SessionOptionValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct SessionOptionValue {
    #[prost(oneof = "OptionValue", tags = "1, 2, 3, 4, 5")]
    pub(super) option_value: Option<OptionValue>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(super) enum OptionValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(sfixed64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    List(StringListValue),
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct StringListValue {
    #[prost(string, repeated, tag = "1")]
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(super) struct CloseSessionResult {
    #[prost(enumeration = "CloseStatus", tag = "1")]
    pub(super) status: i32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Enumeration)]
#[repr(i32)]
pub(super) enum CloseStatus {
    Unspecified = 0,
    Closed = 1,
    Closing = 2,
    NotCloseable = 3,
}

/// Sets options of a session: its catalog, its schema, and the settings that `SET` may change too.
pub(super) fn set(session: &Session, request: SetSessionOptionsRequest) -> SetSessionOptionsResult {
    session.change_lasts();
    let options = request.session_options.into_iter();
    let errors = options.filter_map(|(name, value)| {
        let error = set_one(session, &name, value).err()?;
        Some((name, OptionError { value: error.into() }))
    });
    SetSessionOptionsResult { errors: errors.collect() }
}

fn set_one(session: &Session, name: &str, value: SessionOptionValue) -> Result<(), ErrorValue> {
    let text = match value.option_value {
        Some(OptionValue::Text(text)) => text,
        Some(OptionValue::Bool(value)) => value.to_string(),
        Some(OptionValue::Int(value)) => value.to_string(),
        Some(OptionValue::Double(value)) => value.to_string(),
        // What has no value goes back to what the engine has, whatever `init` of the configuration set.
        None => default_of(name).ok_or(ErrorValue::InvalidName)?,
        Some(OptionValue::List(_)) => return Err(ErrorValue::InvalidValue),
    };
    let context = &session.context;
    match name {
        CATALOG_OPTION if context.catalog(&text).is_none() => return Err(ErrorValue::InvalidValue),
        SCHEMA_OPTION => {
            let state = context.state();
            let catalog = context.catalog(&state.config_options().catalog.default_catalog);
            let is_known = catalog.is_some_and(|catalog| catalog.schema(&text).is_some());
            if !is_known && text != "information_schema" {
                return Err(ErrorValue::InvalidValue);
            }
        }
        CATALOG_OPTION => {}
        name if SETTINGS.contains(&name) => {}
        _ => return Err(ErrorValue::InvalidName),
    }
    let state = context.state_ref();
    let mut state = state.write();
    let options = state.config_mut().options_mut();
    options.set(setting(name), &text).map_err(|_| ErrorValue::InvalidValue)
}

/// The options of a session.
pub(super) fn get(session: &Session) -> GetSessionOptionsResult {
    let state = session.context.state();
    let options = state.config_options();
    let names = [CATALOG_OPTION, SCHEMA_OPTION].into_iter().chain(SETTINGS);
    let known = names.filter_map(|name| {
        let text = value_of(options, name)?;
        Some((name.to_string(), SessionOptionValue { option_value: Some(OptionValue::Text(text)) }))
    });
    GetSessionOptionsResult { session_options: known.collect() }
}

/// The name that the engine has for an option.
fn setting(name: &str) -> &str {
    match name {
        CATALOG_OPTION => "datafusion.catalog.default_catalog",
        SCHEMA_OPTION => "datafusion.catalog.default_schema",
        name => name,
    }
}

fn value_of(options: &ConfigOptions, name: &str) -> Option<String> {
    options.entries().into_iter().find(|entry| entry.key == setting(name))?.value
}

fn default_of(name: &str) -> Option<String> {
    match name {
        CATALOG_OPTION => Some(CATALOG.into()),
        SCHEMA_OPTION => Some(SCHEMA.into()),
        name => value_of(&ConfigOptions::default(), name),
    }
}
