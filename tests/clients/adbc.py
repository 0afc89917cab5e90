"""ADBC, pandas and polars: `adbc.py ADDRESS ADDRESS_WITH_USERS`.

The first server serves a demo to whoever comes; the second one knows `ana` (reader, "password") and the token "a long
secret" (analyst).
"""

import datetime
import decimal
import sys
import threading
import time

import adbc_driver_flightsql.dbapi as flight
import numpy
import pandas
import polars
import pyarrow
from adbc_driver_flightsql import DatabaseOptions
from adbc_driver_manager import AdbcStatusCode

from checks import DR, DR_ROWS, SLOW, Checks, equal, near, within

check = Checks("adbc")


def connect(address, **options):
    options = options or {"username": "ana", "password": "any"}
    return flight.connect(f"grpc://{address}", db_kwargs=options, autocommit=True)


def asked(connection, sql, parameters=None):
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetch_arrow_table()


def rows(connection, sql, parameters=None):
    return [tuple(row.values()) for row in asked(connection, sql, parameters).to_pylist()]


def refused(code, text, call, *arguments):
    """The call must fail with a status and words, and without what only programmers read."""
    try:
        call(*arguments)
    except flight.Error as error:
        assert error.status_code == code, f"expected {code}, got {error.status_code}: {error}"
        assert text in str(error), f"expected {text!r} in {error}"
        for debug in ("DataFusionError", "Plan(", "SchemaError(", "paths start in"):
            assert debug not in str(error), f"{debug} in {error}"
        return error
    raise AssertionError(f"expected an error with {text!r}, got none")


@check
def a_password_is_fine_where_none_is_needed(address, _):
    with connect(address) as connection:
        equal(rows(connection, "SELECT 1 AS one"), [(1,)])
    with connect(address, username="somebody", password="") as connection:
        equal(rows(connection, "SELECT 2"), [(2,)])
    with flight.connect(f"grpc://{address}", autocommit=True) as connection:
        equal(rows(connection, "SELECT 3"), [(3,)])


@check
def info_names_the_server(address, _):
    with connect(address) as connection:
        info = connection.adbc_get_info()
        equal(info["vendor_name"], "causal")
        assert info["vendor_version"] and info["vendor_arrow_version"], info


@check
def objects_at_every_depth_are_the_tables_of_the_demo(address, _):
    with connect(address) as connection:
        equal(
            connection.adbc_get_objects(depth="catalogs").read_all().to_pylist(),
            [{"catalog_name": "causal", "catalog_db_schemas": None}],
        )
        equal(
            connection.adbc_get_objects(depth="db_schemas").read_all().to_pylist(),
            [
                {
                    "catalog_name": "causal",
                    "catalog_db_schemas": [{"db_schema_name": "public", "db_schema_tables": None}],
                }
            ],
        )
        names = ["decisions", "policies", "truth", "users"]

        def tables(depth, **filters):
            (catalog,) = connection.adbc_get_objects(depth=depth, **filters).read_all().to_pylist()
            (schema,) = catalog["catalog_db_schemas"]
            equal((catalog["catalog_name"], schema["db_schema_name"]), ("causal", "public"))
            return schema["db_schema_tables"]

        equal(
            sorted((t["table_name"], t["table_type"], t["table_columns"]) for t in tables("tables")),
            [(name, "TABLE", None) for name in names],
        )
        equal([t["table_name"] for t in tables("tables", table_name_filter="u%rs")], ["users"])
        equal([t["table_name"] for t in tables("tables", table_name_filter="_sers")], ["users"])
        equal(tables("tables", table_types_filter=["VIEW"]) or [], [])
        every = {t["table_name"]: t["table_columns"] for t in tables("all")}
        equal(sorted(every), names)
        equal(
            [(c["ordinal_position"], c["column_name"], c["xdbc_type_name"]) for c in every["policies"]],
            [
                (1, "decision_id", "BIGINT"),
                (2, "policy", "VARCHAR"),
                (3, "target_prob", "DOUBLE"),
                (4, "q_value_target", "DOUBLE"),
                (5, "q_cost_target", "DOUBLE"),
            ],
        )
        equal([c["column_name"] for c in every["decisions"]], asked(connection, "SELECT * FROM decisions LIMIT 0").column_names)


@check
def schemas_of_tables_are_those_of_their_rows(address, _):
    with connect(address) as connection:
        for table in ["users", "decisions", "policies", "truth"]:
            announced = connection.adbc_get_table_schema(table)
            fetched = asked(connection, f"SELECT * FROM {table} LIMIT 1").schema
            equal([(f.name, f.type) for f in announced], [(f.name, f.type) for f in fetched])
        equal(sorted(connection.adbc_get_table_types()), ["LOCAL TEMPORARY", "TABLE", "VIEW"])
        refused(AdbcStatusCode.NOT_FOUND, "No table found", connection.adbc_get_table_schema, "nowhere")


@check
def parameters_of_both_forms_keep_their_places(address, _):
    with connect(address) as connection:
        for mark in [lambda i: "?", lambda i: f"${i}"]:
            # Twelve, so that $10 would come before $2 in the order of texts.
            numbers = list(range(1, 13))
            sql = "SELECT " + ", ".join(f"{mark(i)} AS p{i}" for i in numbers)
            equal(rows(connection, sql, numbers), [tuple(numbers)])
            sql = f"SELECT count(*) FROM range(1000) WHERE value >= {mark(1)} AND value < {mark(2)} AND 'a?' <> {mark(3)}"
            equal(rows(connection, sql, (10, 25, "b")), [(15,)])
        equal(rows(connection, "SELECT $2 AS a, $1 AS b, $2 AS c", (1, "x")), [("x", 1, "x")])
        # Those whose type the statement does not say have that of their value.
        values = (7, 1.5, "é", True, None, datetime.date(2026, 1, 2))
        equal(rows(connection, "SELECT ?, ?, ?, ?, ?, ?", values), [values])
        equal(rows(connection, "SELECT ? + 1, upper(?)", (41, "a")), [(42, "A")])
        with connection.cursor() as cursor:
            schema = cursor.adbc_prepare("SELECT * FROM users WHERE user_id = ? AND lifecycle <> ?")
            equal([field.type for field in schema], [pyarrow.int64(), pyarrow.string()])
        refused(
            AdbcStatusCode.INVALID_ARGUMENT, "2 parameters must be bound, got 1", rows, connection, "SELECT ? + ?", (1,)
        )


@check
def a_statement_runs_for_each_row_of_values(address, _):
    with connect(address) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE mine (a BIGINT, b VARCHAR, c DOUBLE)")
        cursor.executemany("INSERT INTO mine VALUES (?, ?, ?)", [(i, f"row {i}", i / 2) for i in range(1, 101)])
        equal(cursor.rowcount, 100)
        equal(rows(connection, "SELECT count(*), sum(a), sum(c), max(b) FROM mine"), [(100, 5050, 2525.0, "row 99")])
        cursor.execute("INSERT INTO mine SELECT a + 1000, b, c FROM mine WHERE a <= ?", (10,))
        equal(rows(connection, "SELECT count(*) FROM mine"), [(110,)])


@check
def a_schema_is_known_without_running(address, _):
    with connect(address) as connection, connection.cursor() as cursor, within(2):
        schema = cursor.adbc_execute_schema(SLOW)
        equal([(f.name, f.type) for f in schema], [("count(*)", pyarrow.int64())])
        schema = cursor.adbc_execute_schema("SELECT lifecycle, diff_in_means_ci(value, loyalty_invited) AS e FROM decisions GROUP BY 1")
        equal(schema.field("lifecycle").type, pyarrow.string())
        equal(
            [f.name for f in schema.field("e").type][:8],
            ["estimate", "std_error", "ci_low", "ci_high", "p_value", "n", "n_skipped", "ess"],
        )


@check
def pandas_reads_queries_and_tables(address, _):
    with connect(address) as connection:
        frame = pandas.read_sql("SELECT value AS x, 'v' || value AS name FROM range(3)", connection)
        equal(frame.to_dict("list"), {"x": [0, 1, 2], "name": ["v0", "v1", "v2"]})
        users = pandas.read_sql_table("users", connection)
        equal(len(users), rows(connection, "SELECT count(*) FROM users")[0][0])
        assert users["user_id"].is_unique


@check
def polars_reads_queries(address, _):
    with connect(address) as connection:
        frame = polars.read_database("SELECT value AS x, [value] AS l, {'a': value} AS s FROM range(2)", connection)
        equal(frame.to_dicts(), [{"x": 0, "l": [0], "s": {"a": 0}}, {"x": 1, "l": [1], "s": {"a": 1}}])
        frame = polars.read_database("SELECT lifecycle, avg(value) AS m FROM decisions GROUP BY 1", connection)
        whole = polars.read_database("SELECT lifecycle, value FROM decisions", connection)
        means = whole.group_by("lifecycle").agg(polars.col("value").mean().alias("by_hand"))
        both = frame.join(means, on="lifecycle")
        equal(both.height, frame.height)
        for row in both.to_dicts():
            near(row["m"], row["by_hand"])


@check
def values_come_as_they_are(address, _):
    utc = datetime.timezone.utc
    expected = {
        "b": True,
        "i": -(2**63),
        "f": 0.1,
        "d": decimal.Decimal("12345678901234567890.123456"),
        "s": "naïve 🎈 'quoted' \"text\"",
        "day": datetime.date(1969, 12, 31),
        "t": datetime.datetime(2026, 1, 18, 13, 6, 57, 669377),
        "z": datetime.datetime(2026, 1, 18, 13, 6, 57, tzinfo=utc),
        "raw": b"\x00\xff",
        "l": [1, None, 3],
        "r": {"x": 1, "y": {"z": ["a", "b"]}},
        "n": None,
    }
    sql = """
    SELECT true AS b, arrow_cast('-9223372036854775808', 'Int64') AS i, 0.1 AS f,
           arrow_cast('12345678901234567890.123456', 'Decimal128(38, 6)') AS d,
           'naïve 🎈 ''quoted'' "text"' AS s, DATE '1969-12-31' AS day,
           arrow_cast('2026-01-18T13:06:57.669377', 'Timestamp(Microsecond, None)') AS t,
           arrow_cast('2026-01-18T13:06:57Z', 'Timestamp(Microsecond, Some("UTC"))') AS z, x'00ff' AS raw, [1, NULL, 3] AS l,
           {'x': 1, 'y': {'z': ['a', 'b']}} AS r, NULL AS n
    """
    with connect(address) as connection:
        (row,) = asked(connection, sql).to_pylist()
        for name, value in expected.items():
            assert row[name] == value, f"{name}: expected {value!r}, got {row[name]!r}"
        # And there and back as parameters.
        for name in ["b", "i", "f", "d", "s", "day", "t", "z", "raw", "n"]:
            (row,) = rows(connection, f"SELECT ? AS {name}", (expected[name],))
            assert row == (expected[name],), f"{name} bound: expected {expected[name]!r}, got {row[0]!r}"
        text = asked(connection, "SELECT arrow_cast('x', 'Utf8View') a, arrow_cast('x', 'LargeUtf8') b, string_agg(lifecycle, ',') c FROM users")
        equal([f.type for f in text.schema], [pyarrow.string()] * 3)
        many = asked(connection, "SELECT 'k' || value AS k, arrow_cast('w' || (value % 3), 'Dictionary(Int32, Utf8)') AS w FROM range(20000)")
        equal(many.schema.field("w").type, pyarrow.string())
        equal(sorted(many["k"].to_pylist()), sorted(f"k{i}" for i in range(20000)))
        equal(sorted(c["counts"] for c in many["w"].value_counts().to_pylist()), [6666, 6667, 6667])


@check
def estimates_are_those_of_numpy(address, _):
    with connect(address) as connection:
        table = asked(connection, DR_ROWS)
        column = {name: table[name].to_numpy() for name in table.column_names}
        values = rows(connection, DR)
        equal([policy for policy, _ in values], ["baseline", "budgeted", "value_first"])
        for policy, value in values:
            of = column["policy"] == policy
            weight = column["target_prob"][of] / column["propensity"][of]
            by_hand = column["q_target"][of] + weight * (column["reward"][of] - column["q_logged"][of])
            near(value, by_hand.mean())
        table = asked(connection, "SELECT value, loyalty_invited FROM decisions")
        outcome, treated = table["value"].to_numpy(), table["loyalty_invited"].to_numpy() == 1
        difference = outcome[treated].mean() - outcome[~treated].mean()
        error = numpy.sqrt(
            outcome[treated].var(ddof=1) / treated.sum() + outcome[~treated].var(ddof=1) / (~treated).sum()
        )
        ((estimate, std_error, n),) = rows(
            connection,
            "SELECT e['estimate'], e['std_error'], e['n'] FROM (SELECT diff_in_means_ci(value, loyalty_invited) AS e FROM decisions)",
        )
        near(estimate, difference)
        near(std_error, error)
        equal(n, len(outcome))
        flat = asked(connection, "SELECT * FROM expand((SELECT diff_in_means_ci(value, loyalty_invited) FROM decisions))")
        equal(flat.column_names[:4], ["estimate", "std_error", "ci_low", "ci_high"])
        near(flat["estimate"][0].as_py(), difference)
        return ", ".join(f"{policy} {value:.4f}" for policy, value in values)


@check
def tables_views_and_settings_are_the_sessions_own(address, _):
    with connect(address) as one, connect(address) as other:
        with one.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE mine AS SELECT value AS x FROM range(4)")
            cursor.execute("CREATE VIEW twice AS SELECT x * 2 AS x FROM mine")
            cursor.execute("SET datafusion.execution.batch_size = 100")
            cursor.execute("SET datafusion.execution.time_zone = '+02:00'")
        equal(rows(one, "SELECT sum(x) FROM twice"), [(12,)])
        equal(rows(one, "SHOW datafusion.execution.batch_size")[0][1], "100")
        assert rows(other, "SHOW datafusion.execution.batch_size")[0][1] != "100"
        for name in ["mine", "twice"]:
            refused(AdbcStatusCode.NOT_FOUND, f"table '{name}' not found", rows, other, f"SELECT * FROM {name}")

        def listed(connection):
            tree = connection.adbc_get_objects(depth="tables").read_all().to_pylist()
            tables = tree[0]["catalog_db_schemas"][0]["db_schema_tables"]
            return {t["table_name"]: t["table_type"] for t in tables}

        equal({name: kind for name, kind in listed(one).items() if name in ("mine", "twice")}, {"mine": "LOCAL TEMPORARY", "twice": "VIEW"})
        equal(sorted(listed(other)), ["decisions", "policies", "truth", "users"])
        rows(one, "DROP VIEW twice")
        rows(one, "DROP TABLE mine")
        refused(AdbcStatusCode.NOT_FOUND, "table 'mine' not found", rows, one, "SELECT * FROM mine")
        error = "table 'users' is the server's"
        for sql in ["DROP TABLE users", "INSERT INTO users SELECT * FROM users", "DELETE FROM users"]:
            refused(AdbcStatusCode.UNAUTHORIZED, error, rows, one, sql)
        equal(len(rows(other, "SELECT 1 FROM users LIMIT 1")), 1)


@check
def a_query_is_cancelled_from_another_thread(address, _):
    with connect(address) as connection:
        with connection.cursor() as cursor:
            timer = threading.Timer(0.5, cursor.adbc_cancel)
            timer.start()
            with within(2):
                refused(AdbcStatusCode.CANCELLED, "", lambda: (cursor.execute(SLOW), cursor.fetchall()))
            timer.join()
        # While the rows come, too; what runs for the client is one query, and it is over.
        with connection.cursor() as cursor:
            cursor.execute("SELECT a.value FROM range(100000) a, range(100000) b")
            reader = cursor.fetch_record_batch()
            reader.read_next_batch()
            with within(2):
                cursor.adbc_cancel()
                try:
                    while True:
                        reader.read_next_batch()
                except StopIteration:
                    raise AssertionError("expected an error, got the end of 10,000,000,000 rows")
                except (flight.Error, OSError):
                    pass
        equal(rows(connection, "SELECT 1"), [(1,)])


@check
def deadlines_of_calls_are_kept(address, _):
    # The call that announces the query may be the one that waits, or the one that fetches.
    deadlines = {
        DatabaseOptions.TIMEOUT_QUERY.value: "1.0",
        DatabaseOptions.TIMEOUT_FETCH.value: "1.0",
    }
    with connect(address, username="ana", password="any", **deadlines) as connection:
        start = time.monotonic()
        error = refused(AdbcStatusCode.TIMEOUT, "DeadlineExceeded", rows, connection, SLOW)
        taken = time.monotonic() - start
        assert 0.9 < taken < 3, f"expected about 1 s, took {taken:.2f} s: {error}"
        equal(rows(connection, "SELECT 1"), [(1,)])
    # Another session finds the processors free again.
    with connect(address) as connection, within(5):
        equal(rows(connection, "SELECT count(*) FROM range(1000000)"), [(1000000,)])


@check
def five_million_rows_of_eight_columns_come_whole(address, _):
    sql = """SELECT value AS a, value + 1 AS b, value * 0.5 AS c, value % 7 AS d, value % 2 = 0 AS e, value * 2.0 AS f,
                    -value AS g, value / 3 AS h FROM range(5000000)"""
    n = 5_000_000
    with connect(address) as connection:
        start = time.monotonic()
        table = asked(connection, sql)
        taken = time.monotonic() - start
    equal((table.num_rows, table.num_columns), (n, 8))
    a = table["a"].to_numpy()
    equal(int(a.sum()), n * (n - 1) // 2)
    for name, expected in {"b": a + 1, "c": a * 0.5, "d": a % 7, "f": a * 2.0, "g": -a, "h": a // 3}.items():
        assert (table[name].to_numpy() == expected).all(), f"column {name} differs"
    equal(table["e"].to_numpy().sum(), n // 2)
    return f"{table.nbytes / 1e6:.0f} MB in {taken:.1f} s"


@check
def errors_have_codes_and_words(address, _):
    argument, missing, role = AdbcStatusCode.INVALID_ARGUMENT, AdbcStatusCode.NOT_FOUND, AdbcStatusCode.UNAUTHORIZED
    with connect(address) as connection:
        for sql, code, text in [
            ("SELECT 1 FRM users", argument, "syntax error"),
            ("SELECT usr_id FROM users", argument, "user_id"),
            ("SELECT * FROM nowhere", missing, "table 'nowhere' not found"),
            ("SELECT * FROM '/etc/passwd.csv'", missing, "not found"),
            ("SELECT ips_policy_value(1, 0, 1)", argument, "propensity must be in (0, 1], got 0"),
            ("SELECT diff_in_means(value, user_id) FROM decisions", argument, "treated must be 0 or 1, got"),
            ("SELECT 1; SELECT 2", argument, "one statement at a time must be sent, got 2"),
            ("COPY users TO 'x.csv'", role, "COPY is for the role admin"),
            ("SET datafusion.sql_parser.dialect = 'mysql'", role, "is not allowed"),
            ("SELECT ?, $1", argument, "got both"),
            ("-- nothing", argument, "one statement at a time must be sent, got 0"),
        ]:
            try:
                refused(code, text, rows, connection, sql)
            except AssertionError as error:
                raise AssertionError(f"{sql}: {error}") from None
        equal(rows(connection, "SELECT 1"), [(1,)])


@check
def empty_results_have_their_columns(address, _):
    with connect(address) as connection:
        for sql in ["SELECT * FROM users LIMIT 0", "SELECT * FROM users WHERE 1=0"]:
            table = asked(connection, sql)
            equal((table.num_rows, table.num_columns), (0, 9))
        equal(asked(connection, 'SELECT 1 AS "Mixed Case"').column_names, ["Mixed Case"])
        equal(rows(connection, "SELECT substring('causal', 1, 3)"), [("cau",)])


@check
def tables_are_ingested(address, _):
    data = pyarrow.table({"id": [1, 2, 3], "name": ["a", None, "c"], "y": [0.5, 1.5, 2.5]})
    with connect(address) as connection, connection.cursor() as cursor:
        try:
            ingested = cursor.adbc_ingest("mine", data, mode="create")
        except flight.NotSupportedError as error:
            return f"not run: the server says {str(error).splitlines()[0]}"
        equal(ingested, 3)
        equal(rows(connection, "SELECT * FROM mine ORDER BY id"), [(1, "a", 0.5), (2, None, 1.5), (3, "c", 2.5)])
        equal(cursor.adbc_ingest("mine", data.slice(0, 2), mode="append"), 2)
        equal(rows(connection, "SELECT count(*), sum(id) FROM mine"), [(5, 9)])
        equal(cursor.adbc_ingest("mine", data.slice(2, 1), mode="replace"), 1)
        equal(rows(connection, "SELECT * FROM mine"), [(3, "c", 2.5)])
        equal(cursor.adbc_ingest("mine", data, mode="create_append"), 3)
        try:
            cursor.adbc_ingest("mine", data, mode="create")
        except flight.Error as error:
            assert "mine" in str(error), str(error)
        else:
            raise AssertionError("expected an error, got none: the table exists")
        equal(rows(connection, "SELECT count(*) FROM mine"), [(4,)])
        many = pyarrow.table({"x": numpy.arange(1_000_000)})
        equal(cursor.adbc_ingest("many", many.to_reader(max_chunksize=65536), mode="create"), 1_000_000)
        equal(rows(connection, "SELECT count(*), sum(x) FROM many"), [(1_000_000, 499_999_500_000)])
        with connect(address) as other:
            refused(AdbcStatusCode.NOT_FOUND, "table 'mine' not found", rows, other, "SELECT * FROM mine")
        with connection.cursor() as second:
            frame = pandas.DataFrame({"k": ["x", "y"], "v": [1, 2]})
            equal(frame.to_sql("sheet", connection, index=False, if_exists="replace"), 2)
            second.execute("SELECT sum(v) FROM sheet")
            equal(second.fetchall(), [(3,)])


@check
def users_come_by_password_or_token(_, address):
    with connect(address, username="ana", password="password") as connection:
        equal(rows(connection, "SELECT 1"), [(1,)])
        rows(connection, "CREATE TEMP TABLE mine AS SELECT 1 AS x")
        refused(AdbcStatusCode.UNAUTHORIZED, "is for the role analyst", rows, connection, "INSERT INTO mine VALUES (2)")
    # No handshake: the token is in each call.
    bearer = {DatabaseOptions.AUTHORIZATION_HEADER.value: "Bearer a long secret"}
    with connect(address, **bearer) as connection, connect(address, **bearer) as other:
        rows(connection, "CREATE TEMP TABLE mine AS SELECT 1 AS x")
        rows(connection, "INSERT INTO mine VALUES (2)")
        equal(rows(connection, "SELECT sum(x) FROM mine"), [(3,)])
        refused(AdbcStatusCode.NOT_FOUND, "table 'mine' not found", rows, other, "SELECT * FROM mine")

    def comes(**options):
        with connect(address, **options) as connection:
            return rows(connection, "SELECT 1")

    unknown = AdbcStatusCode.UNAUTHENTICATED
    refused(unknown, "user or password is wrong", lambda: comes(username="ana", password="wrong"))
    refused(unknown, "user or password is wrong", lambda: comes(username="nobody", password="password"))
    refused(unknown, "the token is not known", lambda: comes(**{DatabaseOptions.AUTHORIZATION_HEADER.value: "Bearer x"}))
    refused(unknown, "", lambda: comes(**{DatabaseOptions.WITH_COOKIE_MIDDLEWARE.value: "true"}))


check.run(*sys.argv[1:3])
