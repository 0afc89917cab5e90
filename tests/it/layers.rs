//! Who may use whom (`CONTRIBUTING.md`): the arrows between the modules point one way.

use std::fs;
use std::path::{Path, PathBuf};

/// A module, and what its files may not name.
const FORBIDDEN: [(&str, &[&str]); 12] = [
    (
        "math",
        &[
            "arrow",
            "datafusion",
            "tokio",
            "crate::estimators",
            "crate::functions",
            "crate::session",
            "crate::cli",
        ],
    ),
    ("estimators", &["arrow", "datafusion", "tokio", "crate::functions", "crate::session", "crate::cli"]),
    ("learners", &["arrow", "datafusion", "tokio", "crate::functions", "crate::session", "crate::cli"]),
    (
        "allocation",
        &[
            "arrow",
            "datafusion",
            "tokio",
            "crate::estimators",
            "crate::functions",
            "crate::session",
            "crate::cli",
        ],
    ),
    ("functions", &["tokio", "std::net", "println!", "crate::session", "crate::cli", "crate::plan"]),
    ("plan", &["std::net", "println!", "crate::functions", "crate::session", "crate::cli"]),
    (
        "stores",
        &[
            "println!",
            "crate::estimators",
            "crate::functions",
            "crate::math",
            "crate::plan",
            "crate::session",
            "crate::cli",
        ],
    ),
    (
        "files.rs",
        &["println!", "crate::estimators", "crate::functions", "crate::plan", "crate::session", "crate::cli"],
    ),
    (
        "diagnostics",
        &["println!", "crate::estimators", "crate::functions", "crate::plan", "crate::session", "crate::cli"],
    ),
    ("session", &["crate::cli", "crate::server", "crate::cluster"]),
    (
        "server",
        &["println!", "crate::estimators", "crate::functions", "crate::math", "crate::cli", "crate::cluster"],
    ),
    ("cli", &["crate::estimators", "crate::functions", "crate::math", "crate::server", "crate::cluster"]),
];

fn rust_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let entries = fs::read_dir(path).into_iter().flatten();
    entries.flat_map(|entry| rust_files(&entry.unwrap().path())).collect()
}

/// The code of a line, without its comment.
fn code(line: &str) -> &str {
    line.split("//").next().unwrap_or_default()
}

#[test]
fn dependencies_point_one_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut breaches = vec![];
    for (module, forbidden) in FORBIDDEN {
        for file in rust_files(&src.join(module)) {
            for (number, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
                for name in forbidden.iter().filter(|name| code(line).contains(**name)) {
                    breaches.push(format!("{}:{}: {module} names {name}", file.display(), number + 1));
                }
            }
        }
    }
    assert!(rust_files(&src.join("estimators")).len() > 10, "the estimators are where the test looks");
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}
