//! What results look like in each format.

use serde_json::{Value, json};

use super::{query, sql};

const VALUES: &str = "
SELECT 9223372036854775807 AS i, 18446744073709551615::BIGINT UNSIGNED AS u, 0.1::DOUBLE + 0.2::DOUBLE AS f,
       arrow_cast(0.1, 'Float32') AS g, 1e300::DOUBLE AS h, 12.30::DECIMAL(20, 2) AS d, 'a\"b,c' AS s, '' AS e,
       NULL AS n, true AS b, X'00ff' AS bin, DATE '2024-02-29' AS day,
       arrow_cast('2024-02-29T01:02:03.5', 'Timestamp(ms, Some(\"UTC\"))') AS t, arrow_cast('q', 'Dictionary(Int32, Utf8)') AS k";

const NESTED: &str = "
SELECT {'estimate': 0.75, 'n': NULL} AS r, [1, NULL] AS l, map([1, 2], ['a', NULL]) AS m,
       [{'x': arrow_cast('q', 'Dictionary(Int32, Utf8)')}] AS ll";

#[test]
fn a_box_lines_numbers_up() {
    let run = sql(["-c", "SELECT * FROM (VALUES (1, 'a', NULL), (100, 'äöü|', 2.5)) AS t(id, name, x)"]);
    assert_eq!(run.stderr, "(2 rows)\n");
    let expected = "\
┌─────┬──────┬──────┐
│  id │ name │    x │
├─────┼──────┼──────┤
│   1 │ a    │ NULL │
│ 100 │ äöü| │  2.5 │
└─────┴──────┴──────┘
";
    assert_eq!(run.ok(), expected);
}

#[test]
fn a_box_keeps_line_breaks_and_hides_control_characters() {
    let text = "SELECT concat('one', chr(10), 'two') AS a, concat(chr(27), '[31m') AS b";
    let expected = "\
┌─────┬────────────┐
│ a   │ b          │
├─────┼────────────┤
│ one │ \\u{1b}[31m │
│ two │            │
└─────┴────────────┘
";
    assert_eq!(query("box", text).ok(), expected);
}

#[test]
fn a_box_never_cuts_what_comes_late() {
    let text =
        "SELECT CASE WHEN value < 5000 THEN 'x' ELSE repeat('y', 50) END AS s FROM generate_series(1, 5000)";
    let table = sql(["--threads", "1", "-c", text]).ok();
    let wide = format!("│ {} │", "y".repeat(50));
    assert_eq!(table.lines().filter(|line| *line == wide).count(), 1);
    assert_eq!(table.lines().filter(|line| *line == "│ x │").count(), 4999);
}

#[test]
fn structs_and_lists_are_readable() {
    let table = query("box", NESTED).ok();
    assert!(table.contains("│ {estimate: 0.75, n: NULL} │ [1, NULL] │ {1: a, 2: NULL} │"), "{table}");
    let table = query("markdown", NESTED).ok();
    assert!(table.contains("| {estimate: 0.75, n: NULL} | [1, NULL] |"), "{table}");
}

#[test]
fn markdown_is_escaped() {
    let text = r"SELECT 1 AS n, concat('a|b', chr(10), 'c\d') AS s, NULL AS x";
    assert_eq!(
        query("markdown", text).ok(),
        "| n | s | x |\n| ---: | --- | --- |\n| 1 | a\\|b<br>c\\\\d | NULL |\n\n"
    );
}

#[test]
fn csv_tells_null_from_empty() {
    assert_eq!(
        query("csv", VALUES).ok(),
        "i,u,f,g,h,d,s,e,n,b,bin,day,t,k\n\
         9223372036854775807,18446744073709551615,0.30000000000000004,0.1,1e300,12.30,\"a\"\"b,c\",\"\",,true,00ff,\
         2024-02-29,2024-02-29T01:02:03.500Z,q\n"
    );
}

#[test]
fn csv_refuses_nested_columns_before_any_row() {
    let run = query("csv", NESTED);
    assert_eq!(run.stdout, "");
    let error = run.fails(1);
    assert!(
        error.contains(
            "struct column 'r'; select its fields, e.g. r['estimate'] AS estimate, or use --format json"
        ),
        "{error}"
    );
    let error = query("csv", "SELECT [1] AS l").fails(1);
    assert!(error.contains("nested column 'l'"), "{error}");
}

#[test]
fn json_keeps_every_digit() {
    let run = query("json", VALUES);
    assert_eq!(run.stderr, "");
    assert_eq!(
        run.ok(),
        "[{\"i\":9223372036854775807,\"u\":18446744073709551615,\"f\":0.30000000000000004,\"g\":0.1,\"h\":1e300,\
         \"d\":12.30,\"s\":\"a\\\"b,c\",\"e\":\"\",\"n\":null,\"b\":true,\"bin\":\"00ff\",\"day\":\"2024-02-29\",\
         \"t\":\"2024-02-29T01:02:03.500Z\",\"k\":\"q\"}]\n"
    );
}

#[test]
fn json_has_objects_and_arrays() {
    let expected = json!({
        "r": {"estimate": 0.75, "n": null}, "l": [1, null], "m": {"1": "a", "2": null}, "ll": [{"x": "q"}],
    });
    let array: Value = serde_json::from_str(&query("json", NESTED).ok()).unwrap();
    assert_eq!(array, json!([expected]));
    let line: Value = serde_json::from_str(&query("ndjson", NESTED).ok()).unwrap();
    assert_eq!(line, expected);
}

#[test]
fn json_has_one_note_for_what_is_not_finite() {
    let text =
        "SELECT 'NaN'::DOUBLE AS a, {'b': arrow_cast('-inf', 'Float32')} AS s FROM generate_series(1, 3)";
    let run = query("json", text);
    assert_eq!(run.stderr, "note: 6 values were NaN or infinite and are null in the JSON\n");
    let rows: Value = serde_json::from_str(&run.ok()).unwrap();
    assert_eq!(rows, json!(vec![json!({"a": null, "s": {"b": null}}); 3]));
}

#[test]
fn json_has_one_array_per_result() {
    assert_eq!(query("json", "SELECT 1 AS x; SELECT 2 AS y").ok(), "[{\"x\":1}]\n[{\"y\":2}]\n");
    assert_eq!(query("ndjson", "SELECT 1 AS x; SELECT 2 AS y").ok(), "{\"x\":1}\n{\"y\":2}\n");
}

#[test]
fn objects_need_distinct_names() {
    let text = "SELECT * FROM (SELECT 1 AS x) a CROSS JOIN (SELECT 2 AS x) b";
    let error = query("json", text).fails(1);
    assert!(error.contains("two columns are named 'x', which json cannot hold"), "{error}");
    assert_eq!(query("csv", text).ok(), "x,x\n1,2\n");
}

#[test]
fn empty_results_keep_their_header() {
    let text = "SELECT 1 AS a, 'b' AS b WHERE false";
    assert_eq!(query("csv", text).ok(), "a,b\n");
    assert_eq!(query("json", text).ok(), "[]\n");
    assert_eq!(query("ndjson", text).ok(), "");
    assert_eq!(query("markdown", text).ok(), "| a | b |\n| ---: | --- |\n\n");
    let run = query("box", text);
    assert_eq!(run.stderr, "(0 rows)\n");
    assert_eq!(run.ok(), "┌───┬───┐\n│ a │ b │\n├───┼───┤\n└───┴───┘\n");
}

#[test]
fn a_query_that_fails_at_once_prints_no_header() {
    for format in ["box", "csv", "json", "markdown"] {
        let run = query(format, "SELECT 1 / x AS y FROM (VALUES (0)) AS t(x)");
        assert_eq!(run.stdout, "", "{format}");
        run.fails(1);
    }
}
