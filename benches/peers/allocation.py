"""`allocate` beside HiGHS on the same users, budget and guardrails, in one run.

Run it by `benches/peers/allocation`. Users have five actions with costs and values of log-normal size, in ten segments. HiGHS
solves the linear relaxation and then whole pairs, each within a limit of seconds; it is left out above some users, where it
ends in neither. Our time is that of the whole program: start, reading Parquet, the plan and its summary. maq, the other
peer, cannot be installed from PyPI: its archive has neither a project file nor sources.
"""

import argparse
import csv
import io
import subprocess
import time

import highspy
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ACTIONS, SEGMENTS = 5, 10
# Largest share of users per action; a budget of a segment in units of cost per user.
SHARES = [0.30, 0.12, 0.10, 0.08, 0.06]
BUDGETS = [0.045 * (0.5 + 0.12 * segment) for segment in range(SEGMENTS)]


def pairs_of(users, seed=5):
    draws = np.random.default_rng(seed)
    user = np.repeat(np.arange(users), ACTIONS)
    action = np.tile(np.arange(ACTIONS), users)
    segment = np.repeat(draws.integers(SEGMENTS, size=users), ACTIONS)
    base = np.repeat(np.exp(0.5 * draws.normal(size=users)), ACTIONS)
    cost = (0.3 + 0.4 * action) * np.exp(0.2 * draws.normal(size=len(user)))
    value = 2 * base * cost**0.6 * np.exp(0.5 * draws.normal(size=len(user))) - 0.8
    return pa.table({
        "user_id": user,
        "action": pa.array([f"a{k}" for k in range(ACTIONS)]).take(pa.array(action)),
        "segment": pa.array([f"s{k}" for k in range(SEGMENTS)]).take(pa.array(segment)),
        "value": value,
        "cost": cost,
    })


def guardrails(users):
    """Dimension, member, measure, maximum."""
    rows = [("action", f"a{k}", "count", share * users) for k, share in enumerate(SHARES)]
    return rows + [("segment", f"s{k}", "cost", budget * users) for k, budget in enumerate(BUDGETS)]


def ours(program, path, users, general):
    options = f"budget => {0.45 * users}"
    if general:
        values = ", ".join(f"('{d}', '{m}', '{what}', NULL, {most!r})" for d, m, what, most in guardrails(users))
        options += f""", max_treated => {0.5 * users}, average_cost_per_value => 0.5, guardrails =>
            (SELECT * FROM (VALUES {values}) AS g(dimension, member, measure, minimum, maximum))"""
    sql = f"SELECT * FROM allocation_summary((SELECT * FROM '{path}'), {options})"
    start = time.perf_counter()
    done = subprocess.run([program, "sql", "--format", "csv", "-c", sql], capture_output=True, text=True, check=True)
    return time.perf_counter() - start, list(csv.DictReader(io.StringIO(done.stdout)))


def highs(table, users, general, whole, seconds):
    """Seconds, objective and status of HiGHS."""
    column = {name: table[name].to_numpy(zero_copy_only=False) for name in table.column_names}
    keep = column["value"] > 0
    column = {name: values[keep] for name, values in column.items()}
    pairs = len(column["value"])
    rows, columns, entries, upper = [], [], [], []

    def limit(where, what, most):
        rows.append(np.full(len(where), len(upper)))
        columns.append(where)
        entries.append(what)
        upper.append(most)

    every = np.arange(pairs)
    limit(every, column["cost"], 0.45 * users)
    if general:
        limit(every, np.ones(pairs), 0.5 * users)
        limit(every, column["cost"] - 0.5 * column["value"], 0.0)
        for dimension, member, measure, most in guardrails(users):
            where = every[column[dimension] == member]
            limit(where, column["cost"][where] if measure == "cost" else np.ones(len(where)), most)
    of_user = np.unique(column["user_id"], return_inverse=True)[1]
    rows.append(len(upper) + of_user)
    columns.append(every)
    entries.append(np.ones(pairs))
    upper += [1.0] * (of_user.max() + 1)
    rows, columns, entries = np.concatenate(rows), np.concatenate(columns), np.concatenate(entries)
    order = np.lexsort((rows, columns))
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = pairs, len(upper)
    lp.col_cost_ = -column["value"]
    lp.col_lower_, lp.col_upper_ = np.zeros(pairs), np.ones(pairs)
    lp.row_lower_, lp.row_upper_ = np.full(len(upper), -highspy.kHighsInf), np.array(upper)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_ = np.concatenate([[0], np.cumsum(np.bincount(columns, minlength=pairs))])
    lp.a_matrix_.index_, lp.a_matrix_.value_ = rows[order], entries[order]
    if whole:
        lp.integrality_ = [highspy.HighsVarType.kInteger] * pairs
    solver = highspy.Highs()
    solver.silent()
    solver.setOptionValue("time_limit", float(seconds))
    solver.setOptionValue("threads", 2)
    solver.setOptionValue("mip_rel_gap", 1e-6)
    solver.passModel(lp)
    start = time.perf_counter()
    solver.run()
    took = time.perf_counter() - start
    return took, -solver.getInfo().objective_function_value, solver.modelStatusToString(solver.getModelStatus())


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program", help="the program `causal`, built for release")
    arguments.add_argument("--users", type=int, nargs="+", default=[1_000, 10_000, 100_000, 1_000_000])
    arguments.add_argument("--highs-users", type=int, default=10_000, help="users up to which HiGHS is run")
    arguments.add_argument("--seconds", type=float, default=120, help="limit of each run of HiGHS")
    arguments = arguments.parse_args()
    for users in arguments.users:
        table = pairs_of(users)
        path = f"/tmp/causal-allocation-{users}.parquet"
        pq.write_table(table, path, compression="zstd")
        for general in [False, True]:
            what = "budget and 17 guardrails" if general else "budget alone"
            took, summary = ours(arguments.program, path, users, general)
            print(f"{users:>9,} users, {what}: ours {took:.2f} s", flush=True)
            for row in summary:
                if any(row.values()) and not row.get("dimension"):
                    print("   ", {name: value for name, value in row.items() if value})
            if users <= arguments.highs_users:
                for whole in [False, True]:
                    took, objective, status = highs(table, users, general, whole, arguments.seconds)
                    print(f"    HiGHS, {'whole pairs' if whole else 'relaxed'}: {took:.2f} s, {objective:.6f}, {status}")


if __name__ == "__main__":
    main()
