//! What may stand where the cursor is.

use std::fs;

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::Token;

use super::commands::{COMMANDS, formats};
use super::functions::Function;
use super::input::{is_command, tokens};

/// Words that queries are made of. The parser knows a thousand, most of other databases.
const KEYWORDS: &str = "ALL ALTER ANALYZE AND ANTI AS ASC BETWEEN BIGINT BOOLEAN BY CASE CAST COLUMNS COPY CREATE CROSS \
    CURRENT DATE DELETE DESC DESCRIBE DISTINCT DOUBLE DROP ELSE END EXCEPT EXECUTE EXISTS EXPLAIN EXTERNAL EXTRACT FALSE \
    FILTER FIRST FOLLOWING FROM FULL FUNCTIONS GROUP GROUPING HAVING ILIKE IN INNER INSERT INTERSECT INTERVAL INTO IS JOIN \
    LAST LATERAL LEFT LIKE LIMIT LOCATION NATURAL NOT NULL NULLS OFFSET ON OPTIONS OR ORDER OUTER OVER PARTITION \
    PARTITIONED PRECEDING PREPARE QUALIFY RANGE RECURSIVE REPLACE RIGHT ROLLUP ROW ROWS SELECT SEMI SET SETS SHOW STORED \
    TABLE TABLES THEN TIMESTAMP TO TRUE UNBOUNDED UNION UNNEST UPDATE USING VALUES VARCHAR VERBOSE VIEW WHEN WHERE \
    WINDOW WITH WITHIN";

/// What is known of the session while a line is typed.
pub(super) trait Catalog {
    /// Tables and views.
    fn tables(&self) -> Vec<String>;
    /// The columns of a table or of a file.
    fn columns(&self, table: &str) -> Vec<String>;
    fn functions(&self) -> &[Function];
}

/// Returns where the word at the cursor begins, and what it may become.
pub(super) fn complete(text: &str, cursor: usize, catalog: &dyn Catalog) -> (usize, Vec<String>) {
    let before = &text[..cursor];
    if is_command(before) {
        return command(before, catalog);
    }
    if let Some(start) = open_quote(before) {
        return path(start, &before[start..]);
    }
    let start = before
        .rfind(|c: char| !is_word(c))
        .map_or(0, |at| at + before[at..].chars().next().map_or(1, char::len_utf8));
    let word = &before[start..];
    let mut words = candidates(text, &before[..start], word, catalog);
    words.retain(|candidate| candidate.to_lowercase().starts_with(&word.to_lowercase()));
    (start, words)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// What may stand behind `before`, best first.
fn candidates(text: &str, before: &str, word: &str, catalog: &dyn Catalog) -> Vec<String> {
    let sources = sources(text);
    let columns = |source: &Source| catalog.columns(&source.table);
    if let Some(qualified) = before.strip_suffix('.') {
        let qualifier = qualified.rsplit(|c: char| !is_word(c)).next().unwrap_or_default();
        let source = sources.iter().find(|source| source.is_called(qualifier));
        return source.map(columns).unwrap_or_default();
    }
    let last_word = before.trim_end().rsplit(|c: char| !is_word(c)).next().unwrap_or_default().to_uppercase();
    let functions = catalog.functions();
    if matches!(last_word.as_str(), "FROM" | "JOIN" | "TABLE" | "INTO" | "DESCRIBE") && !before.ends_with('(')
    {
        let relations = functions.iter().filter(|function| function.is_table());
        return catalog
            .tables()
            .into_iter()
            .chain(relations.map(|function| format!("{}(", function.name)))
            .collect();
    }
    let called = called(before).and_then(|name| functions.iter().find(|function| function.name == name));
    let options = called.iter().flat_map(|function| function.options()).map(|option| format!("{option} => "));
    let mut words: Vec<String> = options.collect();
    // Where an argument begins, the name of an option comes before functions and columns that begin alike.
    let begins = before.trim_end().ends_with(['(', ',']);
    if begins && !word.is_empty() && words.iter().any(|option| option.starts_with(&word.to_lowercase())) {
        return words;
    }
    words.extend(sources.iter().flat_map(columns));
    words.dedup();
    // Without a letter everything fits, and what is everywhere helps nobody.
    if !word.is_empty() {
        words.extend(sources.iter().filter_map(|source| source.alias.clone()));
        words.extend(
            functions
                .iter()
                .filter(|function| !function.is_table())
                .map(|function| format!("{}(", function.name)),
        );
        let is_lower = word.chars().all(|c| !c.is_uppercase());
        let keywords = KEYWORDS.split_whitespace();
        words.extend(
            keywords.map(|keyword| if is_lower { keyword.to_lowercase() } else { keyword.to_string() }),
        );
    }
    words
}

/// A table that a query reads.
#[derive(Debug, PartialEq)]
struct Source {
    table: String,
    alias: Option<String>,
}

impl Source {
    fn is_called(&self, qualifier: &str) -> bool {
        self.alias.as_deref().unwrap_or(&self.table).eq_ignore_ascii_case(qualifier)
    }
}

/// The tables and files that stand behind FROM and JOIN, or first in a relation function there.
fn sources(text: &str) -> Vec<Source> {
    let (tokens, _) = tokens(text);
    let tokens: Vec<_> = tokens
        .into_iter()
        .map(|token| token.token)
        .filter(|token| !matches!(token, Token::Whitespace(_)))
        .collect();
    let mut sources = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        if !matches!(token, Token::Word(word) if matches!(word.keyword, Keyword::FROM | Keyword::JOIN)) {
            continue;
        }
        let mut rest = &tokens[at + 1..];
        if let [Token::Word(_), Token::LParen, inner @ ..] = rest {
            rest = inner;
        }
        let (table, rest) = match rest {
            [Token::Word(word), rest @ ..] if word.keyword != Keyword::SELECT => (word.value.clone(), rest),
            [Token::SingleQuotedString(path), rest @ ..] => (path.clone(), rest),
            _ => continue,
        };
        let alias = match rest {
            [Token::Word(word), Token::Word(alias), ..] if word.keyword == Keyword::AS => {
                Some(alias.value.clone())
            }
            [Token::Word(alias), ..] if alias.keyword == Keyword::NoKeyword => Some(alias.value.clone()),
            _ => None,
        };
        sources.push(Source { table, alias });
    }
    sources
}

/// The function whose arguments the cursor is in.
fn called(before: &str) -> Option<String> {
    let (tokens, _) = tokens(before);
    let mut depth = 0_usize;
    let mut tokens =
        tokens.iter().rev().map(|token| &token.token).filter(|token| !matches!(token, Token::Whitespace(_)));
    while let Some(token) = tokens.next() {
        match token {
            Token::RParen => depth += 1,
            Token::LParen if depth > 0 => depth -= 1,
            Token::LParen => {
                return match tokens.next() {
                    Some(Token::Word(word)) => Some(word.value.to_lowercase()),
                    _ => None,
                };
            }
            _ => {}
        }
    }
    None
}

/// Where the text begins that a quote has opened and none has closed.
fn open_quote(text: &str) -> Option<usize> {
    let mut open = None;
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match (open, c) {
            (None, '\'') => open = Some(at + 1),
            (Some(_), '\'') => open = None,
            (None, '-') if characters.peek().is_some_and(|(_, next)| *next == '-') => {
                characters.by_ref().find(|(_, c)| *c == '\n')?;
            }
            _ => {}
        }
    }
    open
}

/// Files and folders; patterns and stores are not looked into.
fn path(start: usize, typed: &str) -> (usize, Vec<String>) {
    let (folder, name) = typed.rfind('/').map_or(("", typed), |slash| typed.split_at(slash + 1));
    let read = fs::read_dir(if folder.is_empty() { "." } else { folder });
    let entries = read.into_iter().flatten().flatten();
    let mut names: Vec<_> = entries
        .filter_map(|entry| {
            let is_folder = entry.path().is_dir();
            let name = entry.file_name().into_string().ok()?;
            Some(if is_folder { format!("{name}/") } else { name })
        })
        .filter(|entry| entry.starts_with(name) && (!entry.starts_with('.') || name.starts_with('.')))
        .map(|entry| entry.replace('\'', "''"))
        .collect();
    names.sort();
    (start + folder.len(), names)
}

/// Names of commands, and what they take.
fn command(before: &str, catalog: &dyn Catalog) -> (usize, Vec<String>) {
    let sign = before.len() - before.trim_start().len() + 1;
    let Some(space) = before.find(char::is_whitespace).filter(|space| *space > sign) else {
        let names = COMMANDS.iter().map(|usage| usage.name).filter(|name| name.starts_with(&before[sign..]));
        return (sign, names.map(String::from).collect());
    };
    let argument = before[space..].trim_start();
    let start = before.len() - argument.len();
    let mut words = match &before[sign..space] {
        "format" | "mode" => formats(),
        "timing" | "timer" => vec!["off".into(), "on".into()],
        "rows" => vec!["all".into()],
        "df" => catalog.functions().iter().map(|function| function.name.clone()).collect(),
        "d" if !argument.contains(['/', '\'', '.']) => catalog.tables(),
        "d" | "o" | "i" | "read" | "output" => {
            let quote = usize::from(argument.starts_with('\''));
            return path(start + quote, &argument[quote..]);
        }
        _ => Vec::new(),
    };
    words.retain(|word| word.starts_with(argument));
    (start, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Known(Vec<Function>);

    impl Catalog for Known {
        fn tables(&self) -> Vec<String> {
            vec!["campaign".into(), "log".into()]
        }

        fn columns(&self, table: &str) -> Vec<String> {
            match table {
                "log" => vec!["propensity".into(), "reward".into()],
                "a/b.parquet" => vec!["revenue".into()],
                _ => vec![],
            }
        }

        fn functions(&self) -> &[Function] {
            &self.0
        }
    }

    /// Completes at the `|` of a text.
    fn completed(text: &str) -> Vec<String> {
        let cursor = text.find('|').unwrap();
        let text = text.replace('|', "");
        let known = Known(vec![
            Function::example("arm_effects", "relation", &["outcome: what", "arm: which"]),
            Function::example("regr_slope", "aggregate", &["y: dependent"]),
        ]);
        let (start, words) = complete(&text, cursor, &known);
        words.into_iter().map(|word| format!("{}{word}", &text[..start])).collect()
    }

    #[test]
    fn words_fit_their_place() {
        let ends = |text: &str| {
            completed(text)
                .iter()
                .map(|line| line.rsplit([' ', '(']).next().unwrap_or_default().to_string())
                .collect::<Vec<_>>()
        };
        assert_eq!(ends("SELECT rew| FROM log"), ["reward"]);
        assert_eq!(ends("SELECT re| FROM log"), ["reward", "", "recursive", "replace"]);
        assert_eq!(completed("SEL|"), ["SELECT"]);
        assert_eq!(completed("sel|"), ["select"]);
        assert_eq!(
            completed("SELECT * FROM |"),
            ["SELECT * FROM campaign", "SELECT * FROM log", "SELECT * FROM arm_effects("]
        );
        assert_eq!(completed("SELECT * FROM lo|"), ["SELECT * FROM log"]);
        assert_eq!(ends("SELECT l.| FROM log AS l JOIN campaign c ON true"), ["l.propensity", "l.reward"]);
        assert_eq!(ends("SELECT rev| FROM 'a/b.parquet'"), ["revenue"]);
        assert_eq!(completed("SELECT 'ä', re|x FROM log").first().unwrap(), "SELECT 'ä', reward");
    }

    #[test]
    fn relations_have_named_arguments() {
        let options = completed("SELECT * FROM arm_effects(log, |");
        assert_eq!(
            options[..3].iter().map(|line| line.rsplit("log, ").next().unwrap()).collect::<Vec<_>>(),
            ["outcome => ", "arm => ", "propensity"]
        );
        // The name alone, though a keyword begins alike.
        assert_eq!(
            completed("SELECT * FROM arm_effects((SELECT 1), ou|"),
            ["SELECT * FROM arm_effects((SELECT 1), outcome => "]
        );
    }

    #[test]
    fn texts_are_paths() {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().display().to_string();
        fs::create_dir(directory.path().join("logs")).unwrap();
        fs::write(directory.path().join("log's.csv"), "").unwrap();
        fs::write(directory.path().join(".hidden"), "").unwrap();
        let line = format!("SELECT 'x', * FROM '{folder}/");
        assert_eq!(completed(&format!("{line}lo|")), [format!("{line}log''s.csv"), format!("{line}logs/")]);
        assert_eq!(completed(&format!("{line}.|")), [format!("{line}.hidden")]);
        assert_eq!(completed(&format!("\\i {folder}/logs|")), [format!("\\i {folder}/logs/")]);
    }

    #[test]
    fn commands_and_their_arguments() {
        assert_eq!(completed("\\ti|"), ["\\timing"]);
        assert_eq!(completed(".format c|"), [".format csv"]);
        assert_eq!(completed("\\df arm|"), ["\\df arm_effects"]);
        assert_eq!(completed("\\d lo|"), ["\\d log"]);
    }
}
