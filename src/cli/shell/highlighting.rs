//! Colours of SQL while it is typed.

use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Token, TokenWithSpan, Whitespace};

use super::input::{is_command, tokens};

const KEYWORD: &str = "\x1b[1;34m";
const FUNCTION: &str = "\x1b[33m";
const TEXT: &str = "\x1b[32m";
const NUMBER: &str = "\x1b[36m";
const COMMENT: &str = "\x1b[90m";
const RESET: &str = "\x1b[0m";

/// Returns the text with colours, which take no space.
pub(super) fn highlighted(text: &str) -> String {
    if is_command(text) {
        return format!("{KEYWORD}{text}{RESET}");
    }
    let (tokens, is_whole) = tokens(text);
    let lines = line_starts(text);
    let mut coloured = String::with_capacity(text.len() * 2);
    let mut done = 0;
    for (index, token) in tokens.iter().enumerate() {
        let start = offset(text, &lines, token.span.start).max(done);
        let end = offset(text, &lines, token.span.end).max(start);
        coloured += &text[done..start];
        coloured += &painted(&text[start..end], colour(token, tokens.get(index + 1)));
        done = end;
    }
    // What is not complete is a text or a comment as far as anyone can tell.
    let colour = if is_whole { None } else { Some(TEXT) };
    coloured + &painted(&text[done..], colour)
}

fn painted(text: &str, colour: Option<&str>) -> String {
    match colour {
        Some(colour) if !text.is_empty() => format!("{colour}{text}{RESET}"),
        _ => text.to_string(),
    }
}

fn colour(token: &TokenWithSpan, next: Option<&TokenWithSpan>) -> Option<&'static str> {
    let is_called = next.is_some_and(|next| next.token == Token::LParen);
    match &token.token {
        Token::Word(word) if word.quote_style.is_some() => None,
        Token::Word(word)
            if is_called
                && !matches!(
                    word.keyword,
                    Keyword::IN
                        | Keyword::AND
                        | Keyword::OR
                        | Keyword::NOT
                        | Keyword::FROM
                        | Keyword::VALUES
                        | Keyword::OVER
                        | Keyword::BY
                        | Keyword::AS
                ) =>
        {
            Some(FUNCTION)
        }
        Token::Word(word) if word.keyword != Keyword::NoKeyword => Some(KEYWORD),
        Token::Number(..) => Some(NUMBER),
        Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_) => {
            Some(TEXT)
        }
        Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)) => {
            Some(COMMENT)
        }
        _ => None,
    }
}

/// Where each line begins.
fn line_starts(text: &str) -> Vec<usize> {
    let after_breaks = text.char_indices().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after_breaks).collect()
}

/// The byte at a line and a column, which count characters from one.
fn offset(text: &str, lines: &[usize], location: Location) -> usize {
    let to_index = |place: u64| usize::try_from(place.saturating_sub(1)).unwrap_or(usize::MAX);
    let Some(start) = lines.get(to_index(location.line)) else {
        return text.len();
    };
    let mut rest = text[*start..].char_indices();
    rest.nth(to_index(location.column)).map_or(text.len(), |(at, _)| start + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(coloured: &str) -> String {
        [KEYWORD, FUNCTION, TEXT, NUMBER, COMMENT, RESET]
            .iter()
            .fold(coloured.to_string(), |text, colour| text.replace(colour, ""))
    }

    #[test]
    fn words_have_colours() {
        let expected =
            format!("{KEYWORD}SELECT{RESET} {FUNCTION}avg{RESET}(x) {KEYWORD}FROM{RESET} {TEXT}'a b'{RESET}");
        assert_eq!(highlighted("SELECT avg(x) FROM 'a b'"), expected);
        assert_eq!(highlighted("\\d"), format!("{KEYWORD}\\d{RESET}"));
        assert!(highlighted("SELECT 'open").ends_with(&format!("{TEXT}'open{RESET}")));
    }

    #[test]
    fn no_character_is_lost() {
        for text in [
            "SELECT 'ä\n', \"b\" -- é\n, 1.5e3 /* x\n */ FROM t;",
            "SELECT $1, E'a\\n', x'00'",
            "/* open",
            "SELECT 'öpen",
            "",
            "日本 = 'x'",
        ] {
            assert_eq!(plain(&highlighted(text)), text);
        }
    }
}
