//! The comment that opens a macro's file: its documentation and signature.
//!
//! ```text
//! -- What it says, in one sentence.
//! --
//! -- What comes out, in more.
//! -- Holds when: what must be true.
//! -- Source: author and year.
//! -- @column outcome the outcome, in any unit
//! -- @column? cluster who is dependent
//! -- @columns? propensities probability of each action: {'action': expression}
//! -- @levels? features the same with values of any type, as texts
//! -- @constant alpha = 0.05 miscoverage rate
//! -- @constant control the arm to compare with
//! -- @example
//! -- SELECT * FROM name((SELECT …), outcome => y);
//! ```
//!
//! A line without a tag goes on with what stands above it.

use datafusion::common::{Result, plan_err};

use crate::plan::documentation::{Documentation, OptionKind, OptionSpec, Values};

/// Reads the header of the macro `name`.
pub(super) fn parse(name: &str, text: &str) -> Result<Documentation> {
    let mut documentation = Documentation { name: name.into(), ..Documentation::default() };
    let mut part = Part::Summary;
    for line in text.lines().map_while(|line| line.strip_prefix("--")) {
        let line = line.strip_prefix(' ').unwrap_or(line);
        let rest = match line.split_once(char::is_whitespace).unwrap_or((line, "")) {
            ("@example", rest) => {
                part = Part::Example;
                rest
            }
            (tag, rest) if tag.starts_with('@') => {
                documentation.options.push(option(name, tag, rest.trim())?);
                part = Part::Option;
                continue;
            }
            ("Source:", rest) if part.is_prose() => {
                part = Part::Source;
                rest
            }
            ("Holds", rest) if part.is_prose() && rest.starts_with("when: ") => {
                part = Part::Holds;
                rest.trim_start_matches("when: ")
            }
            ("", "") if part == Part::Summary => {
                part = Part::Details;
                continue;
            }
            _ => line,
        };
        let (target, separator) = match part {
            Part::Summary => (&mut documentation.summary, " "),
            Part::Details => (&mut documentation.details, " "),
            Part::Holds => (&mut documentation.holds, " "),
            Part::Source => (&mut documentation.source, " "),
            Part::Example => (&mut documentation.example, "\n"),
            Part::Option => match documentation.options.last_mut() {
                Some(option) => (&mut option.description, " "),
                None => continue,
            },
        };
        if !target.is_empty() && !rest.is_empty() {
            target.push_str(separator);
        }
        target.push_str(rest);
    }
    for (missing, is_missing) in [
        ("opens with no comment that says what it does", documentation.summary.is_empty()),
        ("has no @example", documentation.example.is_empty()),
    ] {
        if is_missing {
            return plan_err!("{name}.sql: {missing}");
        }
    }
    Ok(documentation)
}

#[derive(PartialEq)]
enum Part {
    Summary,
    Details,
    Holds,
    Source,
    Option,
    Example,
}

impl Part {
    fn is_prose(&self) -> bool {
        matches!(self, Self::Summary | Self::Details | Self::Holds | Self::Source)
    }
}

/// Reads `outcome the outcome` behind `@column`, `alpha = 0.05 miscoverage rate` behind `@constant`.
fn option(macro_name: &str, tag: &str, rest: &str) -> Result<OptionSpec> {
    let (name, mut description) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    if name.is_empty() {
        return plan_err!("{macro_name}.sql: {tag} needs a name");
    }
    let kind = match tag.trim_end_matches('?') {
        "@column" => OptionKind::Column { optional: tag.ends_with('?') },
        "@columns" => OptionKind::Columns { optional: tag.ends_with('?'), values: Values::Numbers },
        "@levels" => OptionKind::Columns { optional: tag.ends_with('?'), values: Values::Texts },
        "@constant" => {
            let mut default = None;
            if let Some(given) = description.trim_start().strip_prefix("= ") {
                let (value, rest) = given.split_once(char::is_whitespace).unwrap_or((given, ""));
                default = Some(value.to_string());
                description = rest;
            }
            OptionKind::Constant { default }
        }
        _ => {
            return plan_err!(
                "{macro_name}.sql: unknown tag '{tag}'; there are @column, @columns, @levels, @constant and @example"
            );
        }
    };
    Ok(OptionSpec { name: name.into(), description: description.trim().into(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_has_prose_options_and_an_example() {
        let text = "-- Says\n-- it.\n--\n-- More.\n-- Holds when: it is so.\n-- Source: Me (2026).\n\
            -- @column y the\n-- outcome\n-- @constant alpha = 0.05 rate\n-- @constant control the arm\n\
            -- @columns? p by name\n-- @example\n-- SELECT 1\n-- FROM t;\nSELECT 2";
        let got = parse("m", text).unwrap();
        assert_eq!((got.summary.as_str(), got.details.as_str()), ("Says it.", "More."));
        assert_eq!((got.holds.as_str(), got.source.as_str()), ("it is so.", "Me (2026)."));
        assert_eq!(got.example, "SELECT 1\nFROM t;");
        let options: Vec<_> = got.options.iter().map(|o| (o.name.as_str(), o.is_required())).collect();
        assert_eq!(options, [("y", true), ("alpha", false), ("control", true), ("p", false)]);
        assert_eq!(got.options[0].description, "the outcome");
        assert_eq!(got.call_form(), "m((SELECT …), y => …, control => … [, alpha => 0.05] [, p => …])");
    }
}
