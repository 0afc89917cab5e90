//! What was typed: commands and SQL, and whether it is complete.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Whitespace};

/// A part of what was typed or of a file.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// A line such as `\timing on`.
    Command(String),
    /// Statements, below as many empty lines as stood before them.
    Sql(String),
}

/// The tokens of a text, up to the first that is not complete, and whether all are.
pub(super) fn tokens(text: &str) -> (Vec<TokenWithSpan>, bool) {
    let mut tokens = Vec::new();
    let dialect = GenericDialect {};
    let is_whole = Tokenizer::new(&dialect, text).tokenize_with_location_into_buf(&mut tokens).is_ok();
    (tokens, is_whole)
}

/// Whether a line is a command: a backslash, or a point, and a word; also `exit` and `quit`.
pub(super) fn is_command(line: &str) -> bool {
    let line = line.trim();
    matches!(line, "exit" | "quit")
        || line.starts_with('\\')
        || line.strip_prefix('.').is_some_and(|rest| rest.starts_with(char::is_alphabetic))
}

/// Whether pressing Enter ends the input: a command, nothing at all, or SQL with its semicolon.
pub(super) fn is_complete(text: &str) -> bool {
    let Some(Piece::Sql(sql)) = pieces(text).pop() else {
        return true;
    };
    let (tokens, is_whole) = tokens(&sql);
    let last = tokens.iter().rfind(|token| !is_blank(&token.token));
    is_whole && last.is_none_or(|last| last.token == Token::SemiColon)
}

fn is_blank(token: &Token) -> bool {
    matches!(token, Token::Whitespace(_))
}

/// Whether there is anything but spaces and comments.
fn has_statements(sql: &str) -> bool {
    let (tokens, is_whole) = tokens(sql);
    !is_whole || tokens.iter().any(|token| !is_blank(&token.token))
}

/// Takes a text apart. A command stands on a line of its own, with no statement open above it.
pub(super) fn pieces(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut sql = String::new();
    for (number, line) in text.lines().enumerate() {
        if is_command(line) && is_between_statements(&sql) {
            if has_statements(&sql) {
                pieces.push(Piece::Sql(sql));
            }
            pieces.push(Piece::Command(line.trim().to_string()));
            sql = "\n".repeat(number + 1);
        } else {
            sql += line;
            sql += "\n";
        }
    }
    if has_statements(&sql) {
        sql.truncate(sql.trim_end_matches('\n').len());
        pieces.push(Piece::Sql(sql));
    }
    pieces
}

fn is_between_statements(sql: &str) -> bool {
    let (tokens, is_whole) = tokens(sql);
    let in_comment = matches!(tokens.last(), Some(TokenWithSpan { token: Token::Whitespace(Whitespace::MultiLineComment(_)), .. }) if !is_whole);
    let last = tokens.iter().rfind(|token| !is_blank(&token.token));
    is_whole && !in_comment && last.is_none_or(|last| last.token == Token::SemiColon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_the_input() {
        for whole in [
            "",
            "  ",
            "SELECT 1;",
            "SELECT ';' AS a;\n",
            "SELECT 1; -- done",
            "\\d",
            ".help",
            "-- note",
            "SELECT 1;\n\\x",
        ] {
            assert!(is_complete(whole), "{whole}");
        }
        for part in
            ["SELECT 1", "SELECT ';", "SELECT 1; SELECT", "SELECT -- ;", "SELECT /* ;", "SELECT \".\n;", ".5"]
        {
            assert!(!is_complete(part), "{part}");
        }
    }

    #[test]
    fn commands_stand_between_statements() {
        let text = "\\timing on\nSELECT '\n\\x\n';\n.help\n\nSELECT 1";
        let expected = [
            Piece::Command("\\timing on".into()),
            Piece::Sql("\nSELECT '\n\\x\n';\n".into()),
            Piece::Command(".help".into()),
            Piece::Sql("\n\n\n\n\n\nSELECT 1".into()),
        ];
        assert_eq!(pieces(text), expected);
        assert_eq!(pieces("-- nothing\n\n"), []);
    }
}
