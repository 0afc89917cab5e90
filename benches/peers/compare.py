"""Our queries beside the same ones written by hand in DuckDB, over one Parquet log, in one run.

Run it by `benches/peers/run`. Both sides read the file, use the same number of threads and take turns; the times are
medians, and the answers are compared before anything is timed.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time

import duckdb

DR = "dr_policy_value_ci(reward, propensity, target_prob, q_logged, q_target)"
IPS = "ips_policy_value_ci(reward, propensity, target_prob)"
SNIPS = "snips_policy_value_ci(reward, propensity, target_prob)"
SCORED = """(SELECT *, target_prob / propensity AS w, target_prob / propensity * reward AS s,
    q_target + target_prob / propensity * (reward - q_logged) AS dr FROM log)"""
DR_BY_HAND = "avg(dr) AS value, stddev_samp(dr) / sqrt(count(*)) AS se"


def of(struct, name="value", error="se"):
    return f"{struct}['estimate'] AS {name}, {struct}['std_error'] AS {error}"


def grouped(column):
    ours = f"SELECT g, {of('r')} FROM (SELECT {column} AS g, {DR} AS r FROM log GROUP BY {column})"
    return ours, f"SELECT {column} AS g, {DR_BY_HAND} FROM {SCORED} GROUP BY {column}"


# Name, our query, DuckDB's query (None: our engine's own), the ratio that the design asks for.
AVERAGES = ", ".join(f"avg({x}) AS {x}" for x in ["reward", "propensity", "target_prob", "q_logged", "q_target"])
ONE_VALUE = f"SELECT {of('r')} FROM (SELECT {DR} AS r FROM log)"
THREE = (
    f"""SELECT {of('i', 'ips', 'ips_se')}, {of('s', 'snips', 'snips_se')}, {of('d', 'dr', 'dr_se')}
        FROM (SELECT {IPS} AS i, {SNIPS} AS s, {DR} AS d FROM log)""",
    """SELECT ips, ips_se, snips,
          sqrt((wwrr - 2 * snips * wwr + snips * snips * ww) * n / (n - 1)) / w AS snips_se, dr, dr_se
        FROM (SELECT avg(s) AS ips, stddev_samp(s) / sqrt(count(*)) AS ips_se, sum(s) / sum(w) AS snips, sum(w) AS w,
                sum(w * w) AS ww, sum(w * s) AS wwr, sum(s * s) AS wwrr, count(*) AS n,
                avg(dr) AS dr, stddev_samp(dr) / sqrt(count(*)) AS dr_se
              FROM """ + SCORED + ")",
)
# How near answers are. SQL breaks ties by chance where we keep them together; in these rankings there are few.
EXACT, TIED = 1e-9, 1e-2
BINS = (
    """SELECT b['bin'] AS bin, b['predicted'] AS predicted, b['actual'] AS actual, b['std_error'] AS se
        FROM (SELECT unnest(uplift_calibration_bins(q_target, reward, treated, 0.8)) AS b FROM log)""",
    """SELECT bin, avg(q_target) AS predicted,
          avg(reward) FILTER (treated = 1) - avg(reward) FILTER (treated = 0) AS actual,
          sqrt(var_samp(reward) FILTER (treated = 1) / count(*) FILTER (treated = 1)
            + var_samp(reward) FILTER (treated = 0) / count(*) FILTER (treated = 0)) AS se
        FROM (SELECT *, ntile(10) OVER (ORDER BY q_target) AS bin FROM log) GROUP BY bin""",
)
QINI = (
    """SELECT r['estimate'] AS qini
        FROM (SELECT qini_ci(q_target, reward, treated, 0.8, {'scores': 'horvitz_thompson'}) AS r FROM log)""",
    """SELECT avg(curve) / count(*) - avg(score) / (2 * count(*)) - avg(score) / 2 AS qini
        FROM (SELECT score, sum(score) OVER (ORDER BY q_target DESC ROWS UNBOUNDED PRECEDING) AS curve
              FROM (SELECT q_target, reward * (treated / 0.8 - (1 - treated) / 0.2) AS score FROM log))""",
)
CASES = [
    ("DR, one value", ONE_VALUE, f"SELECT {DR_BY_HAND} FROM {SCORED}", 0.95),
    ("DR, one value, against five averages", ONE_VALUE, None, 1.1),
    ("IPS + SNIPS + DR", *THREE, 0.8),
    ("DR by 40 groups", *grouped("segment"), 1.2),
    ("DR by 100,000 groups", *grouped("cell"), 1.1),
    ("calibration in 10 bins", *BINS, 0.5),
    ("qini with its error, against a curve", *QINI, 1.0),
]


class Causal:
    """Our side: a process that runs a query per line."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.log = json.loads(self.process.stdout.readline())

    def run(self, sql):
        self.process.stdin.write(" ".join(sql.split()) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit(f"our side ended at: {sql}")
        answer = json.loads(answer)
        return answer["seconds"], answer["columns"]


class Duck:
    """Their side: DuckDB in this process."""

    def __init__(self, log):
        self.connection = duckdb.connect(config={"threads": log["threads"]})
        self.connection.execute(f"CREATE VIEW log AS SELECT * FROM '{log['log']}'")

    def run(self, sql):
        start = time.perf_counter()
        columns = self.connection.execute(sql).fetchnumpy()
        seconds = time.perf_counter() - start
        return seconds, {name: column.tolist() for name, column in columns.items()}


def rows(columns):
    return sorted(zip(*(columns[name] for name in sorted(columns))))


def check_equal(name, ours, theirs, tolerance):
    if sorted(ours) != sorted(theirs) or len(rows(ours)) != len(rows(theirs)):
        sys.exit(f"{name}: other columns or another number of rows")
    for mine, other in zip(rows(ours), rows(theirs)):
        if any(abs(a - b) > tolerance * max(abs(b), 1e-3) for a, b in zip(mine, other)):
            sys.exit(f"{name}: we say {mine}, they say {other}")


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program", help="the benchmark target `peers`")
    arguments.add_argument("--rounds", type=int, default=15)
    arguments.add_argument("--only", default="", help="cases whose names have this")
    arguments = arguments.parse_args()
    causal = Causal(arguments.program)
    duck = Duck(causal.log)
    print(f"{causal.log['rows']:,} rows, {causal.log['threads']} threads, DuckDB {duckdb.__version__},"
          f" medians of {arguments.rounds} rounds")
    print(f"{'case':<38} {'ours':>8} {'theirs':>8} {'ratio':>7} {'asked':>7}")
    missed = 0
    for name, ours, theirs, asked in (case for case in CASES if arguments.only in case[0]):
        if theirs is None:
            other = lambda: causal.run(f"SELECT {AVERAGES} FROM log")
        else:
            other = lambda: duck.run(theirs)
            tolerance = TIED if ours in (BINS[0], QINI[0]) else EXACT
            check_equal(name, causal.run(ours)[1], other()[1], tolerance)
        times = [(causal.run(ours)[0], other()[0]) for _ in range(arguments.rounds + 1)][1:]
        mine, their = (statistics.median(side) for side in zip(*times))
        ratio = mine / their
        missed += ratio > asked
        print(f"{name:<38} {mine:>7.3f}s {their:>7.3f}s {ratio:>7.2f} {asked:>7.2f}{'  MISSED' if ratio > asked else ''}")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
