//! Files as tables, and results as files.

use std::fs;
use std::path::Path;

use super::{program, sql_in};

const FORMATS: [&str; 5] = ["csv", "json", "ndjson", "parquet", "arrow"];

/// The names of the files in a folder, hidden ones included.
fn files(directory: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn count(directory: &Path, table: &str) -> String {
    let text = format!("SELECT count(*) AS n, sum(x) AS x FROM {table}");
    sql_in(directory, ["--format", "csv", "-c", &text]).ok()
}

#[test]
fn a_file_is_a_table_in_the_format_of_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for format in FORMATS {
        let file = format!("out.{format}");
        let text = "SELECT value AS x, value::VARCHAR AS s FROM generate_series(1, 20000)";
        assert_eq!(sql_in(directory, ["-o", &file, "-c", text]).ok(), "");
        assert_eq!(count(directory, &format!("'{file}'")), "n,x\n20000,200010000\n", "{format}");
    }
    fs::rename(directory.join("out.ndjson"), directory.join("out.jsonl")).unwrap();
    assert_eq!(count(directory, "'out.jsonl'"), "n,x\n20000,200010000\n");
    assert_eq!(files(directory).len(), FORMATS.len(), "{:?}", files(directory));
}

#[test]
fn globs_and_partitioned_folders_are_tables() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for day in 1..=3 {
        let folder = format!("logs/day={day}");
        fs::create_dir_all(directory.join(&folder)).unwrap();
        let text = format!("SELECT value AS x FROM generate_series(1, {day})");
        sql_in(directory, ["-o", &format!("{folder}/part.parquet"), "-c", &text]).ok();
    }
    fs::write(directory.join("logs/_SUCCESS"), "").unwrap();
    let text = "SELECT day, count(*) AS n FROM 'logs' GROUP BY day ORDER BY day";
    assert_eq!(sql_in(directory, ["--format", "csv", "-c", text]).ok(), "day,n\n1,1\n2,2\n3,3\n");
    assert_eq!(count(directory, "'logs/day=2/*.parquet'"), "n,x\n2,3\n");
    // Partition columns are dictionaries, a new one in each file.
    sql_in(directory, ["-o", "days.arrow", "-c", "SELECT x, day FROM 'logs'"]).ok();
    assert_eq!(count(directory, "'days.arrow' WHERE day >= '2'"), "n,x\n5,9\n");
}

#[test]
fn an_empty_result_keeps_its_schema() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for file in ["out.parquet", "out.arrow"] {
        sql_in(directory, ["-o", file, "-c", "SELECT 1 AS x, 'a' AS s WHERE false"]).ok();
        let text = format!("SELECT x, s FROM '{file}'");
        assert_eq!(sql_in(directory, ["--format", "csv", "-c", &text]).ok(), "x,s\n", "{file}");
    }
}

#[test]
fn parquet_and_arrow_go_down_a_pipe() {
    let directory = tempfile::tempdir().unwrap();
    for (format, magic) in [("parquet", b"PAR1".as_slice()), ("arrow", b"ARROW1")] {
        let run = program(directory.path())
            .args(["sql", "--format", format, "-c", "SELECT 1 AS x"])
            .output()
            .unwrap();
        assert!(run.stdout.starts_with(magic), "{format}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn parquet_and_arrow_do_not_go_to_a_terminal() {
    let directory = tempfile::tempdir().unwrap();
    for format in ["parquet", "arrow"] {
        let terminal = fs::File::options().read(true).write(true).open("/dev/ptmx").unwrap();
        let run = program(directory.path())
            .args(["sql", "--format", format, "-c", "SELECT 1 AS x"])
            .stdout(terminal)
            .output()
            .unwrap();
        let error = super::Run::from(run).fails(2);
        assert!(error.contains("not for terminals: add -o FILE"), "{error}");
    }
}

#[test]
fn a_failed_run_leaves_the_old_file() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::write(directory.join("out.csv"), "old").unwrap();
    let text = "SELECT 10 / (value - 900000) AS x FROM generate_series(1, 1000000)";
    let error = sql_in(directory, ["-o", "out.csv", "-c", text]).fails(1);
    assert!(error.contains("Divide by zero"), "{error}");
    assert_eq!(files(directory), ["out.csv"]);
    assert_eq!(fs::read_to_string(directory.join("out.csv")).unwrap(), "old");

    sql_in(directory, ["-o", "out.csv", "-c", "SELECT 1 AS x"]).ok();
    assert_eq!(fs::read_to_string(directory.join("out.csv")).unwrap(), "x\n1\n");
}

#[test]
fn a_file_holds_one_result() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    // The second query would run for hours.
    let text = "SET datafusion.execution.batch_size = 100; SELECT 1 AS x; SELECT count(*) AS x
                FROM generate_series(1, 10000000) a(x) JOIN generate_series(1, 10000000) b(y) ON x * y % 7 = -1";
    for format in ["csv", "json", "parquet", "arrow"] {
        let file = format!("out.{format}");
        let error = sql_in(directory, ["-o", &file, "-c", text]).fails(1);
        assert!(error.contains(&format!("a {format} file holds one result")), "{error}");
    }
    let error = sql_in(directory, ["-o", "out.csv", "-c", "CREATE TABLE t (x INT)"]).fails(1);
    assert!(error.contains("no statement returned rows, so out.csv was not written"), "{error}");
    assert_eq!(files(directory), [""; 0]);

    for (file, expected) in [
        ("out.ndjson", "{\"x\":1}\n{\"x\":2}\n"),
        ("out.md", "| x |\n| ---: |\n| 1 |\n\n| x |\n| ---: |\n| 2 |\n\n"),
    ] {
        sql_in(directory, ["-o", file, "-c", "SELECT 1 AS x; SELECT 2 AS x"]).ok();
        assert_eq!(fs::read_to_string(directory.join(file)).unwrap(), expected);
    }
}

#[cfg(unix)]
#[test]
fn links_devices_and_permissions_are_kept() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    fs::write(directory.join("real.csv"), "old").unwrap();
    symlink("real.csv", directory.join("link.csv")).unwrap();
    symlink("/dev/null", directory.join("null.csv")).unwrap();
    for file in ["link.csv", "null.csv"] {
        sql_in(directory, ["-o", file, "-c", "SELECT 1 AS x"]).ok();
        assert!(directory.join(file).is_symlink(), "{file}");
    }
    assert_eq!(fs::read_to_string(directory.join("real.csv")).unwrap(), "x\n1\n");
    assert!(!fs::metadata("/dev/null").unwrap().is_file());

    fs::write(directory.join("plain"), "").unwrap();
    let mode = |file: &str| fs::metadata(directory.join(file)).unwrap().permissions().mode();
    assert_eq!(mode("real.csv"), mode("plain"));
    fs::write(directory.join("private.csv"), "old").unwrap();
    fs::set_permissions(directory.join("private.csv"), fs::Permissions::from_mode(0o600)).unwrap();
    sql_in(directory, ["-o", "private.csv", "-c", "SELECT 1 AS x"]).ok();
    assert_eq!(mode("private.csv") & 0o777, 0o600);

    // The process's own standard output is not a file to be replaced.
    let stdout = fs::File::create(directory.join("stdout.txt")).unwrap();
    let arguments = ["sql", "--format", "csv", "-o", "/dev/stdout", "-c", "SELECT 1 AS x"];
    assert!(program(directory).args(arguments).stdout(stdout).status().unwrap().success());
    assert_eq!(fs::read_to_string(directory.join("stdout.txt")).unwrap(), "x\n1\n");
    assert!(Path::new("/dev/stdout").is_symlink());
}

/// Writes `rows` rows to a file, whose folders are made.
fn write_rows(directory: &Path, file: &str, rows: usize) {
    fs::create_dir_all(directory.join(file).parent().unwrap()).unwrap();
    let text = format!("SELECT value AS x FROM generate_series(1, {rows})");
    sql_in(directory, ["-o", file, "-c", &text]).ok();
}

#[test]
fn a_pattern_stays_in_its_folder_unless_it_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for (file, rows) in [
        ("logs/a.parquet", 1),
        ("logs/b[1].parquet", 2),
        ("logs/2026/c.parquet", 3),
        ("logs/2026/08/d.parquet", 4),
        ("logs/.hidden/e.parquet", 5),
        ("logs/_temporary/f.parquet", 6),
    ] {
        write_rows(directory, file, rows);
    }
    for (table, rows) in [
        ("logs", 10),
        ("logs/", 10),
        ("logs/*.parquet", 3),
        ("logs/**/*.parquet", 10),
        ("logs/*/*.parquet", 3),
        ("logs/2026/", 7),
        ("logs/?.parquet", 1),
        ("logs/[ab]*.parquet", 3),
        ("logs/b[1].parquet", 2),
    ] {
        let text = format!("SELECT count(*) AS n FROM '{table}'");
        let run = sql_in(directory, ["--format", "csv", "-c", &text]);
        assert_eq!(run.ok(), format!("n\n{rows}\n"), "{table}");
    }
}

#[test]
fn partitions_have_the_type_that_all_their_values_have() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    for (folder, first, second) in [("n", "7", "12"), ("d", "2026-08-01", "2026-09-01"), ("t", "007", "12")] {
        for value in [first, second] {
            write_rows(directory, &format!("{folder}/key={value}/a.parquet"), 1);
        }
        let text = format!("SELECT arrow_typeof(key) AS t, key FROM '{folder}' ORDER BY key LIMIT 1");
        let printed = sql_in(directory, ["--format", "csv", "-c", &text]).ok();
        let expected = match folder {
            "n" => "t,key\nInt64,7\n",
            "d" => "t,key\nDate32,2026-08-01\n",
            _ => "t,key\n\"Dictionary(UInt16, Utf8)\",007\n",
        };
        assert_eq!(printed, expected);
    }
    let expected = "x,key\n1,12\n";
    let text = "SELECT * FROM 'n' WHERE key > 7";
    assert_eq!(sql_in(directory, ["--format", "csv", "-c", text]).ok(), expected);
}

#[test]
fn files_that_are_no_table_together_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    write_rows(directory, "mixed/a.parquet", 1);
    write_rows(directory, "mixed/b.csv", 1);
    write_rows(directory, "empty/a.parquet", 1);
    fs::write(directory.join("empty/b.parquet"), "").unwrap();
    write_rows(directory, "uneven/day=1/a.parquet", 1);
    write_rows(directory, "uneven/hour=1/a.parquet", 1);
    fs::create_dir(directory.join("nothing")).unwrap();
    for (table, expected) in [
        ("mixed", "mixed/a.parquet (parquet); name those of one format, as in '*.csv'"),
        ("empty", "empty/b.parquet has no bytes: it is no parquet file"),
        ("uneven", "'uneven' has files of different partitions"),
        ("nothing", "there are no files in the folder 'nothing'"),
        (
            "uneven/day=*/*.parquet",
            "has a pattern in a partition; name the folder above it and filter with WHERE",
        ),
    ] {
        let error = sql_in(directory, ["-c", &format!("SELECT * FROM '{table}'")]).fails(1);
        assert!(error.contains(expected), "{table}: {error}");
    }
}
