//! Clients that people use, asked by their own code: the suites of `tests/clients/`, each against a server of its own.
//!
//! `scripts/clients` installs what they need. A suite whose client is not there says so and is no failure.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::server::Serving;

/// Longer than any suite takes.
const PATIENCE: Duration = Duration::from_secs(300);

/// Who may come to the second server: by password, argon2id of "password", and by token.
const USERS: &str = r#"
    [[users]]
    name = "ana"
    role = "reader"
    password_hash = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
    [[users]]
    name = "bot"
    role = "analyst"
    token = "a long secret"
"#;

/// Where `scripts/clients` puts what it installs.
fn installed(name: &str) -> PathBuf {
    let home = || {
        let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
        home.join(".cache/datafusion-causal/clients")
    };
    env::var_os("CAUSAL_CLIENTS").map_or_else(home, PathBuf::from).join(name)
}

/// One of the suites.
fn suite(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(name)
}

/// The suites take turns: they measure times, and each wants the processors for itself.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a client is there; says so when it is not.
fn is_there(client: &str, name: &str) -> bool {
    let path = installed(name);
    if path.exists() {
        return true;
    }
    // Past what the test runner keeps to itself.
    let _ = writeln!(
        io::stderr(),
        "not run: {client}: {} is missing; scripts/clients installs it",
        path.display()
    );
    false
}

/// Serves a small demo to whoever comes.
fn demo() -> Serving {
    static WRITTEN: OnceLock<PathBuf> = OnceLock::new();
    let demo = WRITTEN.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("clients-demo");
        let mut command = Command::new(env!("CARGO_BIN_EXE_causal"));
        let output = command.arg("demo").arg(&directory).args(["--users", "3000"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        directory
    });
    let tables = [
        ("decisions", "decisions/"),
        ("policies", "policies.parquet"),
        ("truth", "truth.parquet"),
        ("users", "users.parquet"),
    ];
    let line = |(table, file): (&str, &str)| format!("{table} = '{}'\n", demo.join(file).display());
    Serving::start(&format!("[tables]\n{}", tables.map(line).concat()))
}

/// Runs a command, which must succeed in time; shows what it printed when it does not.
fn succeeds(command: &mut Command) {
    let directory = tempfile::tempdir().unwrap();
    let printed = directory.path().join("printed");
    let file = File::create(&printed).unwrap();
    let mut process = command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(file.try_clone().unwrap())
        .stderr(file)
        .spawn()
        .unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = process.try_wait().unwrap() {
            break Some(status);
        }
        if start.elapsed() > PATIENCE {
            process.kill().unwrap();
            process.wait().unwrap();
            break None;
        }
        thread::sleep(Duration::from_millis(50));
    };
    let printed = fs::read(&printed).unwrap();
    let printed = String::from_utf8_lossy(&printed);
    assert!(
        status.is_some_and(|status| status.success()),
        "{command:?} ended with {status:?} after {:?}\n{printed}",
        start.elapsed()
    );
}

/// Runs a suite in one of the Python environments.
fn python(client: &str, environment: &str, file: &str) {
    let interpreter = installed(environment).join("bin/python");
    if !is_there(client, &format!("{environment}/installed")) {
        return;
    }
    let _turn = turn();
    let (open, users) = (demo(), Serving::start(USERS));
    let mut command = Command::new(interpreter);
    succeeds(command.arg(suite(file)).args([&open.address, &users.address]));
}

#[test]
fn adbc() {
    python("ADBC, pandas and polars", "python", "adbc.py");
}

#[test]
fn sqlalchemy() {
    python("SQLAlchemy", "sqlalchemy", "sqlalchemy_.py");
}

#[test]
fn superset() {
    python("Superset", "superset", "superset_.py");
}

/// What clients that cannot run here send.
#[test]
fn recorded_calls() {
    python("recorded calls", "sqlalchemy", "calls.py");
}

#[test]
fn jdbc() {
    if !is_there("JDBC", "jdbc/installed") {
        return;
    }
    let _turn = turn();
    let classes = tempfile::tempdir().unwrap();
    let source = suite("jdbc/FlightSql.java");
    succeeds(Command::new(installed("jdbc/compile")).arg("-d").arg(classes.path()).arg(source));
    let mut drivers: Vec<PathBuf> = fs::read_dir(installed("jdbc"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("flight-sql-jdbc-driver-"))
        .collect();
    drivers.sort();
    assert!(!drivers.is_empty(), "no drivers in {}", installed("jdbc").display());
    for driver in drivers {
        let (open, users) = (demo(), Serving::start(USERS));
        let path = env::join_paths([classes.path(), driver.as_path()]).unwrap();
        let mut command = Command::new(installed("jdbc/java"));
        command.arg("--add-opens=java.base/java.nio=ALL-UNNAMED").arg("-cp").arg(path).arg("FlightSql");
        succeeds(command.args([&open.address, &users.address]));
    }
}

#[test]
fn node() {
    if !is_there("the npm client", "node/installed") {
        return;
    }
    let _turn = turn();
    let (open, users) = (demo(), Serving::start(USERS));
    let mut command = Command::new("node");
    command.arg(suite("node.mjs")).args([&open.address, &users.address]);
    succeeds(command.env("NODE_PATH", installed("node/node_modules")));
}
