"""Training and predicting in SQL beside LightGBM and econml, in one run: time, memory, losses, rankings.

Run it by `benches/peers/learners`. Ours is the program as users run it: a statement from the start of the process to its
end, reading Parquet included. Theirs is what they do once the arrays are in memory. Sides take turns, times are the best
of the rounds, and every run has a process of its own whose peak memory is counted. Trees are 100 of 31 leaves at rate 0.1
everywhere; both sides have the same number of threads. Where other programs run beside, theirs lose more by it, since their
threads wait for each other at each split: the processor's seconds of one thread are the fairer ratio there.
"""

import argparse
import csv
import io
import math
import multiprocessing
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from pathlib import Path

import numpy as np

# Peers are imported where they run: a process starts with the memory of the one that started it.
MIB = 1024  # in the KiB that the kernel counts
COLUMNS = [f"x{j}" for j in range(12)]
FEATURES = f"features({', '.join(COLUMNS)})"
PLAIN = "{'folds': 1, 'bags': 1, 'trees': 100}"
# Parts that are held out in turn, of the ten that rows are in by hash.
SPLITS = [(0, 1, 2), (3, 4, 5), (6, 7, 8)]
MISSED = []


# What came out, seconds by the clock and of the processor, and the peak of the memory in MiB.
Run = namedtuple("Run", "answer seconds processor mib")


def run(program, sql, threads):
    """Our side: the answer is rows by name."""
    with tempfile.TemporaryFile("w+") as out:
        start = time.perf_counter()
        command = [program, "sql", "--threads", str(threads), "--format", "csv", "-c", sql]
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"our side failed at: {sql}")
        out.seek(0)
        rows = list(csv.DictReader(io.StringIO(out.read())))
    return Run(rows, seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / MIB)


def apart(function, *arguments):
    """What a function returns in a process of its own."""
    receive, send = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=answer, args=(send, function, arguments))
    process.start()
    send.close()
    result = receive.recv()
    process.join()
    return result


def answer(send, function, arguments):
    send.send(function(*arguments))


def timed(work):
    """Their side: what is not timed comes before."""
    start, processor = time.perf_counter(), time.process_time()
    result = work()
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    return Run(result, seconds, processor, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB)


def best(runs, what="seconds"):
    return min(getattr(run, what) for run in runs)


def report(name, ours, theirs, asked=None):
    missed = asked is not None and not ours / theirs <= asked
    MISSED.extend([name] * missed)
    limit = "" if asked is None else f"{asked:>8.2f}"
    print(f"{name:<52} {ours:>10.4g} {theirs:>10.4g} {ours / theirs:>8.3f}{limit}{'  MISSED' if missed else ''}", flush=True)


def heading(text, ours, theirs, *columns):
    print(f"\n{text:<52} {ours:>10} {theirs:>10} " + " ".join(f"{column:>8}" for column in columns), flush=True)


# The X-learner on a randomised design with known effects.


def write_design(path, rows, seed):
    import pyarrow as pa
    import pyarrow.parquet as pq

    draws = np.random.default_rng(seed)
    x = draws.normal(size=(rows, 12))
    x[:, 3] = draws.exponential(size=rows)
    x[:, 5] = draws.integers(0, 10, rows)
    x[:, 7] = draws.uniform(size=rows)
    x[:, 9] = draws.uniform(size=rows) < 0.4
    base = 2 * np.sin(x[:, 0]) + np.maximum(x[:, 1], 0) * x[:, 2] + np.log1p(x[:, 3]) + 0.3 * x[:, 5] + (x[:, 4] > 0.5)
    tau = 1 + 0.8 * np.tanh(x[:, 0]) + 0.5 * x[:, 7] * (x[:, 1] > 0) - 0.6 * x[:, 9] + 0.2 * np.sqrt(x[:, 3])
    treated = (draws.uniform(size=rows) < 0.2).astype(np.int64)
    y = base + treated * tau + 2 * draws.normal(size=rows)
    table = {name: x[:, j] for j, name in enumerate(COLUMNS)}
    table |= {"y": y, "treated": treated, "tau": tau, "unit": np.arange(rows)}
    pq.write_table(pa.table(table), path, compression="zstd", row_group_size=100_000)


def read(path):
    """Features by row, and the other columns by name."""
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    x = np.column_stack([table[name].to_numpy() for name in COLUMNS])
    return x, {name: table[name].to_numpy() for name in table.column_names if name not in COLUMNS}


def boosted(x, y, threads, objective="regression", **dataset):
    import lightgbm

    settings = {"objective": objective, "num_leaves": 31, "learning_rate": 0.1, "num_threads": threads, "verbose": -1}
    return lightgbm.train(settings, lightgbm.Dataset(x, y, **dataset), 100)


def lightgbm_xlearner(path, threads):
    """An X-learner of four fits of LightGBM; the answer is its PEHE."""
    x, columns = read(path)
    y, treated = columns["y"], columns["treated"] == 1
    boosted(x[:100], y[:100], threads)  # imports, which are not timed

    def work():
        treated_x, control_x = x[treated], x[~treated]
        mu0, mu1 = boosted(control_x, y[~treated], threads), boosted(treated_x, y[treated], threads)
        tau1 = boosted(treated_x, y[treated] - mu0.predict(treated_x, num_threads=threads), threads)
        tau0 = boosted(control_x, mu1.predict(control_x, num_threads=threads) - y[~treated], threads)
        return 0.2 * tau0.predict(x, num_threads=threads) + 0.8 * tau1.predict(x, num_threads=threads)

    done = timed(work)
    return done._replace(answer=pehe(done.answer, columns["tau"]))


def econml_learner(threads):
    import warnings

    from econml.metalearners import XLearner
    from lightgbm import LGBMRegressor
    from sklearn.dummy import DummyClassifier

    warnings.simplefilter("ignore")
    trees = lambda: LGBMRegressor(n_estimators=100, num_leaves=31, learning_rate=0.1, n_jobs=threads, verbose=-1)
    # The share of the treated: assignment was at random.
    return XLearner(models=trees(), cate_models=trees(), propensity_model=DummyClassifier(strategy="prior"))


def econml_xlearner(path, threads):
    """econml's XLearner with LightGBM inside; the answer is its PEHE."""
    x, columns = read(path)
    learner = econml_learner(threads)
    done = timed(lambda: learner.fit(columns["y"], columns["treated"], X=x).effect(x).ravel())
    return done._replace(answer=pehe(done.answer, columns["tau"]))


def pehe(effect, tau):
    return float(np.sqrt(np.mean((effect - tau) ** 2)))


def our_xlearner(program, path, threads, unit="", options=""):
    """One statement that trains and predicts the rows it was trained on; the answer is its PEHE."""
    sql = f"""SELECT sqrt(avg(power(predict(model, {FEATURES}{unit}) - tau, 2))) AS pehe FROM '{path}' CROSS JOIN
        (SELECT cate_xlearner(y, treated, 0.2, {FEATURES}{unit}{options}) AS model FROM '{path}')"""
    done = run(program, sql, threads)
    return done._replace(answer=float(done.answer[0]["pehe"]))


def xlearner(arguments, folder, rows, rounds):
    program, path = arguments.program, f"{folder}/design_{rows}.parquet"
    apart(write_design, path, rows, arguments.seed)
    sides = {
        "ours": lambda threads: our_xlearner(program, path, threads, options=f", {PLAIN}"),
        "LightGBM": lambda threads: apart(lightgbm_xlearner, path, threads),
        "econml": lambda threads: apart(econml_xlearner, path, threads),
    }
    found = {(name, threads): [] for name in sides for threads in (arguments.threads, 1)}
    for _ in range(rounds):
        for name, threads in found:
            found[name, threads].append(sides[name](threads))
    heading(f"X-learner, {rows:,} x 12, best of {rounds}", "ours", "theirs", "ratio", "asked")
    ours, ours_alone = found["ours", arguments.threads], found["ours", 1]
    for name in ["LightGBM", "econml"]:
        theirs, theirs_alone = found[name, arguments.threads], found[name, 1]
        processor = [best(runs, "processor") for runs in (ours_alone, theirs_alone)]
        asked = 0.7 if rows == 200_000 and name == "LightGBM" else None
        report(f"seconds, {arguments.threads} threads, {name}", best(ours), best(theirs), asked)
        report(f"processor's seconds, one thread, {name}", *processor, asked)
        report(f"MiB at the peak, {name}", max(run.mib for run in ours), max(run.mib for run in theirs))
        report(f"PEHE, {name}", ours[0].answer, theirs[0].answer, 1.0)
    print(f"    {best(ours) * 1e6 / rows:.2f} s a million rows")
    theirs = found["LightGBM", 1][0].answer
    for name, unit in [("PEHE, defaults, LightGBM", ""), ("PEHE, defaults, of units not seen, LightGBM", ", unit")]:
        done = our_xlearner(program, path, arguments.threads, unit)
        report(name, done.answer, theirs, 1.0)
        print(f"    {done.seconds:.2f} s, {done.seconds * 1e6 / rows:.2f} s a million rows, {done.mib:.0f} MiB")


# Losses of the base learner on rows held out.


def tasks(folder, shared):
    """Writes the tables with `target` and `part`, a number from 0 to 9 by hash; name, path, features, binary."""
    import pandas as pd

    real = {
        "hillstrom": (
            ["recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel", "arm"],
            [("spend", lambda d: d.spend, False), ("visit", lambda d: d.visit, True)],
        ),
        "lalonde": (
            ["treat", "age", "educ", "black", "hisp", "marr", "nodegree", "re74", "re75"],
            [("re78", lambda d: d.re78, False), ("re78 > 0", lambda d: (d.re78 > 0).astype(int), True)],
        ),
        "k401k": (
            ["eligible_401k", "income_kusd", "married", "male", "age", "family_size", "has_ira"],
            [("assets", lambda d: d.net_assets_kusd, False), ("takes part", lambda d: d.participates_401k, True)],
        ),
        "jtpa": (
            None,
            [("earnings", lambda d: d.earnings, False), ("trained", lambda d: d.trained, True)],
        ),
    }
    found = []
    for name, (features, targets) in real.items():
        if not (shared / f"data/{name}.parquet").exists():
            print(f"NOT MEASURED: {name} is not in {shared}; set CAUSAL_SHARED")
            continue
        data = pd.read_parquet(shared / f"data/{name}.parquet")
        features = features or [c for c in data.columns if c not in ("row_id", "earnings", "trained")]
        found += [(f"{name}, {what}", data[features], of(data), binary) for what, of, binary in targets]
    data, score = synthetic(60_000)
    draws = np.random.default_rng(6)
    found.append(("synthetic, mean", data, score + draws.normal(size=len(score)), False))
    found.append(("synthetic, share", data, (draws.uniform(size=len(score)) < 1 / (1 + np.exp(-score))).astype(int), True))
    written = []
    for at, (name, data, target, binary) in enumerate(found):
        path = f"{folder}/task_{at}.parquet"
        data.assign(target=np.asarray(target, dtype=float), part=parts(len(data))).to_parquet(path)
        written.append((name, path, list(data.columns), binary))
    return written


def synthetic(rows):
    """Numbers and categories of 8, 60 and up to 400 levels, some NULL, and what a target follows from."""
    import pandas as pd

    draws = np.random.default_rng(5)
    x = draws.normal(size=(rows, 6))
    c1, c2, c3 = draws.integers(0, 60, rows), draws.integers(0, 8, rows), np.minimum(draws.geometric(0.01, rows), 400)
    e1, e2, e3 = draws.normal(size=60), draws.normal(size=8), 0.5 * draws.normal(size=401)
    score = np.sin(2 * x[:, 0]) + x[:, 1] * (x[:, 2] > 0) + e1[c1] + e2[c2] * x[:, 3] + e3[c3]
    data = pd.DataFrame(x, columns=COLUMNS[:6])
    missing = draws.uniform(size=rows) < 0.15
    data.loc[missing, "x1"] = np.nan
    data.loc[(data.x0 > 1) & (draws.uniform(size=rows) < 0.5), "x0"] = np.nan
    for name, codes in [("c1", c1), ("c2", c2), ("c3", c3)]:
        data[name] = pd.Series(codes).astype(str)
    data.loc[draws.uniform(size=rows) < 0.1, "c2"] = None
    return data, score + 0.7 * missing


def parts(rows):
    """Fibonacci hashing of the position."""
    return ((np.arange(rows, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)) >> np.uint64(40)) % np.uint64(10)


def lightgbm_loss(path, features, binary, held_out, threads):
    """Mean squared error or log loss."""
    import pandas as pd

    data = pd.read_parquet(path)
    x = data[features].copy()
    for name in features:
        x[name] = x[name].astype(float) if x[name].dtype.kind in "iufb" else x[name].astype("category")
    y, out = data.target.to_numpy(), data.part.isin(held_out).to_numpy()
    model = boosted(x[~out], y[~out], threads, "binary" if binary else "regression")
    score = model.predict(x[out], raw_score=True)
    return float(np.mean(np.logaddexp(0, score) - y[out] * score if binary else (y[out] - score) ** 2))


def our_loss(program, path, features, binary, held_out, threads):
    features = f"features({', '.join(features)})"
    function = "propensity_model" if binary else "outcome_model"
    loss = "-avg(ln(CASE WHEN target = 1 THEN said ELSE 1 - said END))" if binary else "avg(power(target - said, 2))"
    out = f"part IN ({', '.join(map(str, held_out))})"
    sql = f"""SELECT {loss} AS loss FROM (SELECT target, predict(model, {features}) AS said FROM '{path}' CROSS JOIN
        (SELECT {function}(target, {features}, {PLAIN}) AS model FROM '{path}' WHERE NOT {out}) WHERE {out})"""
    return float(run(program, sql, threads).answer[0]["loss"])


def losses(arguments, folder):
    heading("held-out loss, mean of three splits", "ours", "theirs", "ratio", "asked")
    shared = Path(os.environ.get("CAUSAL_SHARED", "../shared"))
    for name, path, features, binary in apart(tasks, folder, shared):
        pairs = []
        for held_out in SPLITS:
            ours = our_loss(arguments.program, path, features, binary, held_out, arguments.threads)
            pairs.append((ours, apart(lightgbm_loss, path, features, binary, held_out, arguments.threads)))
        ours, theirs = (statistics.mean(side) for side in zip(*pairs))
        report(f"{name} ({'log loss' if binary else 'squared error'})", ours, theirs, 1.01)
        print("    by split " + " ".join(f"{mine / their:.4f}" for mine, their in pairs))


# Prediction.


def lightgbm_prediction(path, threads):
    """Predicting all rows three times for each number of threads."""
    x, columns = read(path)
    model = boosted(x[:200_000], columns["y"][:200_000], 1)
    return {count: [timed(lambda: model.predict(x, num_threads=count)) for _ in range(3)] for count in threads}


def prediction(arguments, folder):
    rows, trees, threads = arguments.rows, 100, [1, 2]
    path, model = f"{folder}/predicted.parquet", f"{folder}/model.parquet"
    apart(write_design, path, rows, arguments.seed)
    trained = f"SELECT outcome_model(y, {FEATURES}, {PLAIN}) AS model FROM '{path}' WHERE unit < 200000"
    run(arguments.program, f"COPY ({trained}) TO '{model}'", 2)
    said = f"SELECT sum(predict(model, {FEATURES})) AS s FROM '{path}' CROSS JOIN '{model}'"
    sums = ", ".join(f"sum({name})" for name in COLUMNS)
    only_read = f"SELECT {sums}, count(model) FROM '{path}' CROSS JOIN '{model}'"
    ours = {(sql, count): [] for sql in [said, only_read] for count in threads}
    theirs = {count: [] for count in threads}
    for _ in range(arguments.rounds):
        for sql, count in ours:
            ours[sql, count].append(run(arguments.program, sql, count))
        for count, runs in apart(lightgbm_prediction, path, threads).items():
            theirs[count] += runs
    heading(f"ns to predict a tree and row, {rows:,} rows, {trees} trees", "ours", "theirs", "ratio", "asked")
    scale = 1e9 / (rows * trees)
    for what, count in [("seconds", 1), ("seconds", 2), ("processor", 1)]:
        whole, reading = (best(ours[sql, count], what) for sql in [said, only_read])
        name = f"{'by the clock' if what == 'seconds' else 'of the processor'}, threads: {count}"
        report(name, (whole - reading) * scale, best(theirs[count], what) * scale, 1.0)
        print(f"    whole statement {whole:.3f} s, of which reading {reading:.3f} s")


# Rankings of Hillstrom's customers.

CUSTOMER = "recency, history_segment, history, mens, womens, zip_code, newbie, channel"
# The arms against no e-mail, and the share of rows that they are.
COMPARISONS = [(["womens_email"], 1 / 2), (["womens_email", "mens_email"], 2 / 3)]
BUCKETS = 50


def econml_effects(path, target, outcome, held_out, threads):
    """Writes the rows held out with what econml says of them."""
    import pandas as pd

    data = pd.read_parquet(path)
    x = pd.get_dummies(data[CUSTOMER.split(", ")], columns=["zip_code", "channel"]).astype(float).to_numpy()
    out = data.part.isin(held_out).to_numpy()
    learner = econml_learner(threads)
    learner.fit(data[outcome].to_numpy(dtype=float)[~out], data.treated.to_numpy()[~out], X=x[~out])
    data[out].assign(theirs=learner.effect(x[out]).ravel()).to_parquet(target)


def write_hillstrom(path, arms, shared):
    import pandas as pd

    data = pd.read_parquet(shared / "data/hillstrom.parquet")
    data = data[data.arm.isin([*arms, "no_email"])]
    treated = (data.arm != "no_email").astype(int)
    part = parts(len(data))
    bucket = np.random.default_rng(3).integers(BUCKETS, size=len(data))
    data.assign(treated=treated, part=part, bucket=bucket).to_parquet(path)


def qinis(arguments, train, scored, outcome, share, held_out, options):
    """Qini of ours and theirs, and the variance of the difference by a jackknife that leaves buckets of rows out."""
    customer = f"features({CUSTOMER})"
    qini = lambda prediction: f"qini_ci({prediction}, {outcome}, treated, {share})['estimate']"
    sql = f"""WITH said AS (SELECT {outcome}, treated, bucket, theirs, predict(model, {customer}) AS ours
          FROM '{scored}' CROSS JOIN (SELECT cate_xlearner({outcome}, treated, {share}, {customer}{options}) AS model
            FROM '{train}' WHERE part NOT IN ({', '.join(map(str, held_out))})))
        SELECT left_out, {qini('ours')} AS ours, {qini('theirs')} AS theirs
        FROM said CROSS JOIN (SELECT unnest(range(-1, {BUCKETS})) AS left_out) WHERE bucket <> left_out
        GROUP BY left_out ORDER BY left_out"""
    whole, *parts = run(arguments.program, sql, arguments.threads).answer
    ours, theirs = float(whole["ours"]), float(whole["theirs"])
    without = [float(row["ours"]) - float(row["theirs"]) for row in parts]
    return ours, theirs, (BUCKETS - 1) / BUCKETS * sum((d - statistics.mean(without)) ** 2 for d in without)


def rankings(arguments, folder):
    shared = Path(os.environ.get("CAUSAL_SHARED", "../shared"))
    if not (shared / "data/hillstrom.parquet").exists():
        return print(f"NOT MEASURED: hillstrom is not in {shared}; set CAUSAL_SHARED")
    heading("Qini of hillstrom, means of three splits", "ours", "econml", "error", "errors")
    train, scored = f"{folder}/hillstrom.parquet", f"{folder}/scored.parquet"
    for arms, share in COMPARISONS:
        apart(write_hillstrom, train, arms, shared)
        for outcome in ["visit", "spend"]:
            found = {"defaults": [], "one fold": []}
            for held_out in SPLITS:
                apart(econml_effects, train, scored, outcome, held_out, arguments.threads)
                for (_, runs), options in zip(found.items(), ["", f", {PLAIN}"]):
                    runs.append(qinis(arguments, train, scored, outcome, share, held_out, options))
            for name, runs in found.items():
                report_ranking(f"{' or '.join(arms)}, {outcome}, {name}", runs, name == "defaults")


def report_ranking(name, runs, is_asked):
    """Ours is not to be below theirs by more than two errors of the difference."""
    ours, theirs, variance = (statistics.mean(column) for column in zip(*runs))
    # No row is held out twice.
    error = math.sqrt(variance / len(runs))
    errors = (ours - theirs) / error
    missed = is_asked and errors < -2
    MISSED.extend([name] * missed)
    print(f"{name:<52} {ours:>10.5f} {theirs:>10.5f} {error:>8.5f} {errors:>8.2f}{'  MISSED' if missed else ''}", flush=True)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program", help="the program `causal`, built for release")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--threads", type=int, default=2)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--rows", type=int, default=1_000_000, help="rows of the large X-learner and of prediction")
    arguments.add_argument("--only", default="", help="of xlearner, large, losses, prediction, rankings")
    arguments = arguments.parse_args()
    parts = {
        "xlearner": lambda folder: xlearner(arguments, folder, 200_000, arguments.rounds),
        "large": lambda folder: xlearner(arguments, folder, arguments.rows, 2),
        "losses": lambda folder: losses(arguments, folder),
        "prediction": lambda folder: prediction(arguments, folder),
        "rankings": lambda folder: rankings(arguments, folder),
    }
    with tempfile.TemporaryDirectory(prefix="causal-learners-") as folder:
        for name, part in parts.items():
            if arguments.only in name:
                part(folder)
    if MISSED:
        sys.exit("missed: " + "; ".join(MISSED))


if __name__ == "__main__":
    main()
