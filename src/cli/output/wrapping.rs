//! Text in lines of a given width.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Breaks a text at spaces into lines of at most `width` columns, and words that are longer anywhere. Line breaks stay,
/// and lines that fit are as they were.
pub(in crate::cli) fn wrapped(text: &str, width: usize) -> String {
    text.lines().map(|line| wrapped_line(line, width)).collect::<Vec<_>>().join("\n")
}

fn wrapped_line(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_string();
    }
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in line.split(' ') {
        let is_first = lines.last().is_none_or(String::is_empty);
        if !is_first && used + 1 + word.width() > width {
            lines.push(String::new());
            used = 0;
        } else if !is_first {
            lines.last_mut().into_iter().for_each(|line| line.push(' '));
            used += 1;
        }
        for c in word.chars() {
            let columns = c.width().unwrap_or(0);
            if used + columns > width && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().into_iter().for_each(|line| line.push(c));
            used += columns;
        }
    }
    lines.join("\n")
}

/// Narrows the widest columns until all of them together are as wide as `limit`, none below `least`.
pub(super) fn fitted(mut widths: Vec<usize>, limit: usize, least: usize) -> Vec<usize> {
    let mut excess = widths.iter().sum::<usize>().saturating_sub(limit);
    while excess > 0 {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > least) else {
            break;
        };
        *widest -= 1;
        excess -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrapped("a bb ccc", 4), "a bb\nccc");
        assert_eq!(wrapped("abcdefgh ij", 3), "abc\ndef\ngh\nij");
        assert_eq!(wrapped("a b\nc d e", 3), "a b\nc d\ne");
        assert_eq!(wrapped("日本語 xy", 4), "日本\n語\nxy");
        assert_eq!(wrapped("", 4), "");
        assert_eq!(wrapped("  x", 4), "  x");
    }

    #[test]
    fn the_widest_columns_give_way() {
        assert_eq!(fitted(vec![5, 90, 40], 60, 8), [5, 28, 27]);
        assert_eq!(fitted(vec![5, 9], 60, 8), [5, 9]);
        assert_eq!(fitted(vec![50, 50], 10, 8), [8, 8]);
    }
}
