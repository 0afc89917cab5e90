//! What is said about a relation function: its signature and its documentation.

/// Documentation and signature of a relation function.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Documentation {
    pub(crate) name: String,
    /// The first sentence.
    pub(crate) summary: String,
    /// What comes out, and when it is NULL.
    pub(crate) details: String,
    /// What must hold for the answer to mean what it says.
    pub(crate) holds: String,
    /// Author and year of the method.
    pub(crate) source: String,
    /// Named options after the relation, in the order in which they are shown.
    pub(crate) options: Vec<OptionSpec>,
    /// A complete query that runs.
    pub(crate) example: String,
}

/// A named option of a relation function.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OptionSpec {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) kind: OptionKind,
}

/// What an option takes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum OptionKind {
    /// An expression over the relation.
    Column { optional: bool },
    /// Expressions over the relation by name, `{'name': expression}`, whose values are numbers or texts.
    Columns { optional: bool, values: Values },
    /// Another relation, which has some columns; it may be left out.
    Relation { columns: &'static str },
    /// A constant; without a default it is required.
    Constant { default: Option<String> },
}

/// What the values of named expressions are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    Numbers,
    Texts,
}

impl OptionSpec {
    pub(crate) fn is_required(&self) -> bool {
        match &self.kind {
            OptionKind::Column { optional } | OptionKind::Columns { optional, .. } => !optional,
            OptionKind::Relation { .. } => false,
            OptionKind::Constant { default } => default.is_none(),
        }
    }

    /// What the option takes, in words.
    pub(crate) fn takes(&self) -> String {
        match &self.kind {
            OptionKind::Column { .. } => "an expression over the relation".into(),
            OptionKind::Columns { .. } => "expressions over the relation, {'name': expression, …}".into(),
            OptionKind::Relation { columns } => format!("a relation with the columns {columns}"),
            OptionKind::Constant { default: None } => "a constant".into(),
            OptionKind::Constant { default: Some(default) } => format!("a constant; default {default}"),
        }
    }
}

impl Documentation {
    /// The call as documentation and errors show it: `f((SELECT …), a => … [, b => …])`.
    pub(crate) fn call_form(&self) -> String {
        let mut form = format!("{}((SELECT …)", self.name);
        let (required, optional): (Vec<_>, Vec<_>) =
            self.options.iter().partition(|option| option.is_required());
        for option in required {
            form += &format!(", {} => …", option.name);
        }
        for option in optional {
            form += &match &option.kind {
                OptionKind::Constant { default: Some(default) } => {
                    format!(" [, {} => {default}]", option.name)
                }
                _ => format!(" [, {} => …]", option.name),
            };
        }
        form + ")"
    }

    pub(super) fn option(&self, name: &str) -> Option<&OptionSpec> {
        self.options.iter().find(|option| option.name == name)
    }
}
