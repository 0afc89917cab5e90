//! The shell, typed into on a pseudo-terminal.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use super::{PROGRAM, Run, program, sql_in};

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const UP: &str = "\x1b[A";
/// What the line editor prints when it begins and ends to listen: bracketed paste on and off.
const INPUT_BEGINS: &str = "\x1b[?2004h";
const INPUT_ENDS: &str = "\x1b[?2004l";
/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A terminal with the shell on it.
struct Terminal {
    child: Box<dyn Child + Send + Sync>,
    keyboard: Box<dyn Write + Send>,
    screen: Receiver<Vec<u8>>,
    /// What was printed since the last time that someone looked.
    printed: Vec<u8>,
    _master: Box<dyn MasterPty + Send>,
}

impl Terminal {
    /// Starts the shell for a user whose home is `home`, in that folder, and waits until it asks.
    fn start(home: &Path, arguments: &[&str]) -> Self {
        Self::start_with(home, arguments, &[])
    }

    fn start_with(home: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 50, cols: 160, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let mut command = CommandBuilder::new(PROGRAM);
        command.args(arguments);
        command.cwd(home);
        for name in ["XDG_CONFIG_HOME", "XDG_STATE_HOME", "NO_COLOR", "RUST_BACKTRACE"] {
            command.env_remove(name);
        }
        command.env("HOME", home);
        command.env("TERM", "xterm-256color");
        environment.iter().for_each(|(name, value)| command.env(name, value));
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);

        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = reader.read(&mut buffer)
                && length > 0
                && sender.send(buffer[..length].to_vec()).is_ok()
            {}
        });
        let keyboard = pair.master.take_writer().unwrap();
        let mut terminal = Self { child, keyboard, screen, printed: vec![], _master: pair.master };
        terminal.wait_for(|screen| screen.split_once(INPUT_BEGINS).map(|(greeting, _)| greeting.to_string()));
        terminal
    }

    /// Presses keys.
    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Types a line, presses Enter and returns what is printed until the shell asks again.
    #[track_caller]
    fn run(&mut self, line: &str) -> String {
        self.press(&format!("{line}\r"));
        self.answer()
    }

    /// Returns what is printed between the end of an input and the next prompt.
    #[track_caller]
    fn answer(&mut self) -> String {
        let screen = self.wait_for(|screen| {
            let (_, rest) = screen.split_once(INPUT_ENDS)?;
            rest.split_once(INPUT_BEGINS).map(|(answer, _)| answer.to_string())
        });
        plain(&screen).trim_matches('\n').to_string()
    }

    /// Waits until `text` is on the screen, and returns all that was printed since the last time.
    #[track_caller]
    fn expect(&mut self, text: &str) -> String {
        self.wait_for(|screen| Some(plain(screen)).filter(|screen| screen.contains(text)))
    }

    /// Waits until what is printed has what it takes, and forgets it.
    #[track_caller]
    fn wait_for(&mut self, find: impl Fn(&str) -> Option<String>) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let text = String::from_utf8_lossy(&self.printed);
            if let Some(found) = find(&text) {
                self.printed.clear();
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => self.printed.extend(bytes),
                Err(_) => panic!("it was not printed:\n{}", plain(&text)),
            }
        }
    }

    /// Waits for the end and returns the exit code.
    #[track_caller]
    fn end(mut self) -> u32 {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(Instant::now() < deadline, "the shell goes on");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// The text without escape sequences and carriage returns.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\x1b' => {
                let sequence = characters.by_ref().skip_while(|c| *c == '[');
                let _ = sequence.take_while(|c| !c.is_ascii_alphabetic()).count();
            }
            '\r' => {}
            c => plain.push(c),
        }
    }
    plain
}

fn home() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn statements_take_as_many_lines_as_they_need() {
    let home = home();
    let mut shell = Terminal::start(home.path(), &[]);
    let expected = "\
┌────────┐
│ answer │
├────────┤
│     42 │
└────────┘
(1 row)";
    assert_eq!(shell.run("SELECT 6 * 7 AS answer;"), expected);
    assert_eq!(
        shell.run("SELECT ';' AS a, -- one;\r6 * 7\rAS answer; -- two").lines().nth(3).unwrap(),
        "│ ; │     42 │"
    );
    assert_eq!(shell.run("\\format csv"), "results are written as csv");
    assert_eq!(shell.run("SELECT 1 AS a; SELECT 2 AS b;"), "a\n1\nb\n2");
    assert_eq!(shell.run(""), "");
    assert_eq!(shell.run("-- nothing"), "");
    shell.press(CTRL_D);
    assert_eq!(shell.end(), 0);
}

#[test]
fn errors_point_at_what_was_typed_and_keep_the_shell() {
    let home = home();
    let mut shell = Terminal::start(home.path(), &[]);
    let error = "\
error: column 'rewrd' not found
 --> input:2:2
  |
2 |  rewrd FROM (SELECT 1 AS reward) AS log;
  |  ^^^^^
  = help: did you mean log.reward?";
    assert_eq!(shell.run("SELECT\r rewrd FROM (SELECT 1 AS reward) AS log;"), error);
    assert!(shell.run("SELEC 1;").starts_with("error: syntax error: "));
    assert_eq!(shell.run("SELECT 1 / 0; SELECT 'not this';"), "error: Divide by zero error");
    assert_eq!(
        shell.run("\\hlep"),
        "error: there is no command '\\hlep'; did you mean \\help? .help lists all"
    );
    assert!(shell.run(".help").contains("\\df [PATTERN]      functions"));
    assert!(shell.run("SELECT 7 AS x;").contains("│ 7 │"));
    shell.press("exit\r");
    assert_eq!(shell.end(), 0);
}

#[test]
fn results_are_shown_as_asked() {
    let home = home();
    let mut shell = Terminal::start(home.path(), &[]);
    assert_eq!(shell.run("\\x"), "one column per line");
    let expected = "─ row 1 ─\na    │ 1\nlong │ NULL\n(1 row)";
    assert_eq!(shell.run("SELECT 1 AS a, NULL AS long;"), expected);
    shell.run("\\x");
    assert_eq!(shell.run("\\rows 2"), "2 rows of a result are shown");
    let answer = shell.run("SELECT * FROM generate_series(1, 20000);");
    assert!(
        answer.ends_with("│     2 │\n└───────┘\n(2 of 20000 rows; \\rows all shows all of them)"),
        "{answer}"
    );
    assert_eq!(shell.run("\\timing on"), "times are shown");
    let answer = shell.run("SELECT 1 AS a;");
    let time = answer.lines().last().unwrap().strip_prefix("Time: ").unwrap().strip_suffix(" s").unwrap();
    assert!(time.parse::<f64>().unwrap() < 60.0, "{answer}");
    shell.run("\\timing off");
    assert!(shell.run("\\format parquet").starts_with("error: parquet is not for terminals"));
    shell.run(".mode json");
    assert_eq!(shell.run("SELECT 1 AS a;"), "[{\"a\":1}]");

    // A table is as wide as the screen, which has 160 columns.
    shell.run("\\format box");
    let answer = shell.run("SELECT repeat('word ', 100) AS words, 1 AS n;");
    assert!(answer.lines().all(|line| line.chars().count() <= 160), "{answer}");
    assert_eq!(answer.matches("word ").count(), 100, "{answer}");
}

#[test]
fn tables_and_functions_describe_themselves() {
    let home = home();
    let mut shell = Terminal::start(home.path(), &[]);
    assert!(shell.run("\\d").contains("there are no tables"));
    shell.run("CREATE TABLE log AS SELECT 1 AS reward, 0.5 AS p;");
    assert!(shell.run("\\d").contains("│ public │ log  │ base table │"));
    assert!(shell.run("\\d log").contains("│ reward      │ Int64     │ NO          │"));
    sql_in(home.path(), ["-o", "a file.parquet", "-c", "SELECT 1 AS x"]).ok();
    assert!(shell.run("\\d 'a file.parquet'").contains("│ x           │ Int64     │"));
    assert_eq!(shell.run("\\d nowhere"), "error: table 'nowhere' not found");

    let page = shell.run("\\df dr_policy_value");
    for part in [
        "dr_policy_value(reward, propensity, target_prob, q_logged, q_target [, cluster] [, options])\n  Mean reward",
        "\nMust hold:\n  the logged propensities or the predictions are right",
        "\nArguments:\n  reward: reward of the logged action\n",
        "\nExample:\n  SELECT r['estimate'] AS estimate",
        "\nSource:\n  Dudík, Langford and Li (2011).",
    ] {
        assert!(page.contains(part), "{page}");
    }
    assert!(shell.run("\\df arm_effects").contains("arm_effects((SELECT …), outcome => …, arm => …"));
    let all = shell.run("\\df");
    assert!(
        all.contains("│ log_contract") && all.contains("│ ess ") && !all.contains("dr_score_state"),
        "{all}"
    );
    let some = shell.run("\\df *_score");
    assert!(some.contains("│ aipw_score │ scalar │ Row score") && some.contains("(4 rows)"), "{some}");
    assert!(shell.run("\\df abs").starts_with("abs(numeric_expression)\n  Returns the absolute value"));
    assert!(shell.run("\\df nowhere").starts_with("error: no function is called like 'nowhere'"));
}

#[test]
fn results_go_to_files() {
    let home = home();
    let read = |file: &str| fs::read_to_string(home.path().join(file));
    let mut shell = Terminal::start(home.path(), &[]);
    assert_eq!(shell.run("\\o out.csv"), "results go to out.csv as csv; \\o closes it");
    assert!(shell.run("SELECT nonsense;").starts_with("error: column 'nonsense' not found"));
    assert_eq!(shell.run("SELECT 1 AS x;"), "");
    assert!(shell.run("SELECT 2 AS x;").contains("a csv file holds one result"));
    assert!(read("out.csv").is_err());
    assert_eq!(shell.run("\\o"), "wrote out.csv");
    assert_eq!(read("out.csv").unwrap(), "x\n1\n");

    // What was written in part is not kept.
    shell.run("\\o out.ndjson");
    let answer = shell.run("SELECT 1 / (value - 900000) AS x FROM generate_series(1, 1000000);");
    assert_eq!(
        answer,
        "note: out.ndjson was given up; results are shown here again\nerror: Divide by zero error"
    );
    assert!(shell.run("SELECT 3 AS x;").contains("│ 3 │"));
    assert!(read("out.ndjson").is_err());

    // Leaving closes the file.
    shell.run("\\o out.md");
    shell.run("SELECT 4 AS x;");
    shell.press("\\q\r");
    assert_eq!(shell.end(), 0);
    assert_eq!(read("out.md").unwrap(), "| x |\n| ---: |\n| 4 |\n\n");
    let left = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
    left.sort();
    assert_eq!(left, [".local", "out.csv", "out.md"]);
}

#[test]
fn tab_completes() {
    let home = home();
    fs::create_dir(home.path().join("folder")).unwrap();
    sql_in(home.path(), ["-o", "folder/offers.csv", "-c", "SELECT 1 AS revenue, 'a' AS arm"]).ok();
    let mut shell = Terminal::start(home.path(), &[]);
    shell.run("\\format csv");
    shell.run("CREATE TABLE campaign AS SELECT 5 AS spending;");
    assert_eq!(shell.run("SELE\t * FROM camp\t;"), "spending\n5");
    assert_eq!(shell.run("SELECT * FROM 'fol\toff\t';"), "revenue,arm\n1,a");
    // The cursor is before FROM.
    let left = "\x1b[D".repeat(" FROM campaign;".len());
    assert_eq!(shell.run(&format!("SELECT  FROM campaign;{left}spe\t")), "spending\n5");
    let left = "\x1b[D".repeat(" FROM campaign AS c;".len());
    assert_eq!(shell.run(&format!("SELECT  FROM campaign AS c;{left}c.\t")), "spending\n5");
    shell.run("\\f\t json");
    let answer = shell.run(
        "SELECT count(*) AS n FROM arm_ef\t'folder/offers.csv', outc\trevenue, arm => arm, contr\t'b');",
    );
    assert!(answer.contains("arm_effects: control must be one of the arms a, got b"), "{answer}");
}

#[test]
fn what_was_typed_is_remembered_for_its_user_alone() {
    let home = home();
    let file = home.path().join(".local/state/causal/history");
    let mut shell = Terminal::start(home.path(), &[]);
    shell.run("SELECT 1 AS a;");
    shell.run("SELECT 2\rAS b;");
    shell.run("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION 'x' OPTIONS ('aws.secret_access_key' 'k9Qx');");
    shell.run(" SELECT 'with a space before it';");
    let mut other = Terminal::start(home.path(), &[]);
    other.run("SELECT 3 AS c;");
    for shell in [shell, other] {
        let mut shell = shell;
        shell.press(CTRL_D);
        assert_eq!(shell.end(), 0);
    }
    let kept = fs::read_to_string(&file).unwrap();
    assert!(kept.contains("SELECT 1 AS a;") && kept.contains("SELECT 3 AS c;"), "{kept}");
    assert!(!kept.contains("k9Qx") && !kept.contains("space"), "{kept}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let mut shell = Terminal::start(home.path(), &[]);
    shell.run("\\format csv");
    assert_eq!(shell.run(&UP.repeat(3)), "b\n2");

    let state = home.path().join("state");
    let environment = [("XDG_STATE_HOME", state.to_str().unwrap())];
    Terminal::start_with(home.path(), &[], &environment).run("SELECT 4 AS d;");
    assert!(state.join("causal/history").exists());
}

#[test]
fn ctrl_c_stops_a_query_and_twice_the_shell() {
    let home = home();
    let mut shell = Terminal::start(home.path(), &["--threads", "2"]);
    shell.press("SELECT half a state");
    shell.press(CTRL_C);
    assert_eq!(shell.answer(), "Ctrl-C again leaves");
    let query = "SELECT count(*) FROM generate_series(1, 1000000) AS a(x) JOIN generate_series(1, 1000000) AS b(y) ON x * y % 7 = -1;";
    shell.press(&format!("{query}\r"));
    // The line editor does not listen any more, so that the signal is the query's.
    shell.wait_for(|screen| screen.contains(INPUT_ENDS).then(String::new));
    thread::sleep(Duration::from_millis(500));
    shell.press(CTRL_C);
    shell.expect("interrupted");
    assert!(shell.run("SELECT 6 * 7 AS answer;").contains("│     42 │"));
    shell.press(CTRL_C);
    assert_eq!(shell.answer(), "Ctrl-C again leaves");
    shell.press(CTRL_C);
    assert_eq!(shell.end(), 0);
}

#[test]
fn a_long_query_shows_how_far_it_is() {
    let home = home();
    sql_in(home.path(), ["-o", "log.parquet", "-c", "SELECT value AS id FROM generate_series(1, 2000000)"])
        .ok();
    let mut shell = Terminal::start(home.path(), &[]);
    shell.press("SELECT max(sha512(sha512(repeat(id::VARCHAR, 200)))) FROM 'log.parquet';\r");
    let screen = shell.expect(" left");
    assert!(
        screen.contains(" s, ") && screen.contains(" rows read, ") && screen.contains("iB, about "),
        "{screen}"
    );
    shell.press(CTRL_C);
    shell.expect("interrupted");
    assert!(shell.run("SELECT 6 * 7 AS answer;").contains("│     42 │"));

    // What does not fit in memory is seen to go to disk.
    let mut shell = Terminal::start(home.path(), &["--memory-limit", "100MB", "--threads", "1"]);
    let texts = "(SELECT repeat(id::VARCHAR, 20) AS t FROM 'log.parquet')";
    shell.press(&format!(
        "SELECT max(n), max(t) FROM (SELECT t, row_number() OVER (ORDER BY t DESC) AS n FROM {texts});\r"
    ));
    shell.expect("iB spilled");
    shell.expect("(1 row)");
}

#[test]
fn files_of_statements_and_commands_are_run() {
    let home = home();
    let config = home.path().join(".config/causal");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("init.sql"), "\\format csv\nCREATE VIEW answer AS\n  SELECT 42 AS x;\n").unwrap();
    fs::write(
        home.path().join("more.sql"),
        "SELECT 1 AS one;\n\\x\n\nSELECT x,\n  y FROM answer;\nSELECT 3;",
    )
    .unwrap();
    fs::write(home.path().join("circle.sql"), "\\i circle.sql").unwrap();

    let mut shell = Terminal::start(home.path(), &[]);
    assert_eq!(shell.run("SELECT * FROM answer;"), "x\n42");
    let expected = "\
one
1
one column per line
error: column 'y' not found
 --> more.sql:5:3
  |
5 |   y FROM answer;
  |   ^
  = note: the columns here are answer.x";
    assert_eq!(shell.run("\\i more.sql"), expected);
    assert!(shell.run("\\i circle.sql").contains("files that run each other"));
    assert!(shell.run("\\i nowhere.sql").contains("error: cannot read nowhere.sql: "));

    let mut shell = Terminal::start(home.path(), &["--no-init"]);
    assert!(shell.run("SELECT * FROM answer;").contains("table 'answer' not found"));

    fs::write(config.join("init.sql"), "SELECT oops;").unwrap();
    let mut shell = Terminal::start(home.path(), &[]);
    assert!(shell.run("SELECT 1 AS x;").contains("│ 1 │"));
}

#[test]
fn colours_can_be_left_out() {
    let home = home();
    let typed = |environment: &[(&str, &str)]| {
        let mut shell = Terminal::start_with(home.path(), &[], environment);
        shell.press("SELECT 'a';");
        shell.wait_for(|screen| plain(screen).contains("SELECT 'a';").then(|| screen.to_string()))
    };
    assert!(typed(&[]).contains("\x1b[1;34mSELECT\x1b[0m"));
    assert!(!typed(&[("NO_COLOR", "1")]).contains("\x1b[1;34m"));
}

#[test]
fn standard_input_that_is_no_terminal_is_sql() {
    let directory = home();
    let mut child = program(directory.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"SELECT 42 AS answer; SELECT 1 / 0").unwrap();
    let run = Run::from(child.wait_with_output().unwrap());
    assert!(run.stdout.contains("│     42 │"), "{}", run.stdout);
    assert!(run.fails(1).contains("error: Divide by zero error"));
}
