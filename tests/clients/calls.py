"""What clients that cannot run here send, replayed call by call: `calls.py ADDRESS ADDRESS_WITH_USERS`.

Grafana's Flight SQL plugin, Power BI, Tableau, DBeaver and Metabase; which calls are theirs is known from their sources and from
reports of their users.
"""

import sys

import pyarrow
from flightsql.client import FlightSQLClient, FlightSQLCallOptions, TableRef

from checks import Checks, equal, near

check = Checks("calls")


def connect(address, **options):
    host, port = address.split(":")
    return FlightSQLClient(host=host, port=int(port), insecure=True, **(options or {"user": "ana", "password": "any"}))


def fetched(client, info):
    """The rows of a result, which come from where it was announced and as it was."""
    (endpoint,) = info.endpoints
    equal(list(endpoint.locations), [])
    table = client.do_get(endpoint.ticket).read_all()
    equal(table.schema, info.schema)
    return table


def asked(client, sql):
    return fetched(client, client.execute(sql))


def rows(client, sql):
    return [tuple(row.values()) for row in asked(client, sql).to_pylist()]


def table_schemas(table):
    """The schemas in the last column of the tables' table."""
    return {
        row["table_name"]: pyarrow.ipc.read_schema(pyarrow.py_buffer(row["table_schema"])) for row in table.to_pylist()
    }


@check
def grafana_comes_with_a_token_and_no_handshake(_, address):
    client = connect(address, token="a long secret")
    equal(rows(client, "SELECT 1 AS x"), [(1,)])
    equal(fetched(client, client.get_tables(include_schema=True)).num_columns, 5)


@check
def grafana_finds_tables_macros_and_series(address, _):
    client = connect(address)
    tables = fetched(client, client.get_tables(include_schema=False))
    equal(tables.column_names, ["catalog_name", "db_schema_name", "table_name", "table_type"])
    equal(sorted(tables["table_name"].to_pylist()), ["decisions", "policies", "truth", "users"])
    equal(sorted(table_schemas(fetched(client, client.get_tables(include_schema=True, table_name_filter_pattern="users")))), ["users"])
    info = fetched(client, client.get_sql_info([508, 509, 510, 511, 512]))
    equal(sorted(info["info_name"].to_pylist()), [508, 509, 510, 511, 512])
    # As its macros are written out: a column of time, a number and a label.
    series = asked(
        client,
        """SELECT date_bin(interval '86400 second', decided_at, timestamp '1970-01-01T00:00:00Z') AS time, channel,
                  avg(value) AS value
           FROM decisions WHERE decided_at >= '2026-01-05T00:00:00Z' AND decided_at <= '2026-01-11T23:59:59Z'
           GROUP BY 1, 2 ORDER BY 1 LIMIT 1000000""",
    )
    equal(pyarrow.types.is_timestamp(series.schema.field("time").type), True)
    equal([series.schema.field(name).type for name in ("channel", "value")], [pyarrow.string(), pyarrow.float64()])
    times = series["time"].to_pylist()
    equal((times == sorted(times), len(set(times)), str(times[0])[:10]), (True, 7, "2026-01-05"))


@check
def dbeaver_asks_all_info_and_keys(address, _):
    client = connect(address)
    info = fetched(client, client.get_sql_info([]))
    equal(
        [(field.name, field.nullable) for field in info.schema], [("info_name", False), ("value", False)]
    )
    ids = set(info["info_name"].to_pylist())
    # Those of the specification: the server's, and those of SQL.
    missing = ({0, 1, 2, 3, 4, 5, 8} | set(range(500, 577))) - ids
    equal(sorted(missing), [])
    values = dict(zip(info["info_name"].to_pylist(), info["value"].to_pylist()))
    equal((values[0], values[3], values[504]), ("causal", False, '"'))
    catalogs = fetched(client, client.get_catalogs())
    equal(catalogs.to_pylist(), [{"catalog_name": "causal"}])
    schemas = fetched(client, client.get_db_schemas(catalog="causal", db_schema_filter_pattern="%"))
    equal(schemas.to_pylist(), [{"catalog_name": "causal", "db_schema_name": "public"}])
    types = fetched(client, client.get_table_types())
    equal(sorted(types["table_type"].to_pylist()), ["LOCAL TEMPORARY", "TABLE", "VIEW"])
    tables = fetched(client, client.get_tables(catalog="causal", db_schema_filter_pattern="public", table_types=["TABLE", "VIEW"]))
    equal(tables.num_rows, 4)
    users = TableRef(catalog="causal", db_schema="public", table="users")
    for info in [
        client.get_primary_keys(users),
        client.get_exported_keys(users),
        client.get_imported_keys(users),
        client.get_cross_reference(users, users),
    ]:
        equal(fetched(client, info).num_rows, 0)
    equal(len(rows(client, 'SELECT * FROM causal.public."users" LIMIT 200')), 200)


@check
def tableau_probes_with_temporary_tables(address, _):
    client = connect(address)
    for create in [
        'CREATE LOCAL TEMPORARY TABLE "#Tableau_1_Connect" ("x" INTEGER) ON COMMIT PRESERVE ROWS',
        'CREATE TEMPORARY TABLE "#Tableau_1_Connect" ("x" INTEGER)',
        'CREATE TEMP TABLE "#Tableau_1_Connect" ("x" INTEGER)',
    ]:
        equal(client.execute_update(create), 0)
        equal(client.execute_update('INSERT INTO "#Tableau_1_Connect" VALUES (1), (2)'), 2)
        equal(rows(client, 'SELECT SUM("#Tableau_1_Connect"."x") AS "sum" FROM "#Tableau_1_Connect" HAVING (COUNT(1) > 0)'), [(3,)])
        equal(client.execute_update('DROP TABLE "#Tableau_1_Connect"'), 0)
    equal(asked(client, "SELECT * FROM (SELECT * FROM users) T WHERE (0 = 1)").num_columns, 9)
    equal(
        rows(
            client,
            """SELECT "users"."lifecycle" AS "lifecycle", SUM(1) AS "n" FROM "public"."users" "users"
               WHERE ("users"."lifecycle" IN ('active', 'new')) GROUP BY "users"."lifecycle" ORDER BY 1""",
        ),
        rows(client, "SELECT lifecycle, count(*) AS n FROM users WHERE lifecycle IN ('active', 'new') GROUP BY 1 ORDER BY 1"),
    )


@check
def power_bi_asks_types(address, _):
    client = connect(address)
    types = fetched(client, client.get_xdbc_type_info(None))
    found = {row["type_name"]: row["data_type"] for row in types.to_pylist()}
    equal((found["BIGINT"], found["VARCHAR"], found["DOUBLE"], found["TIMESTAMP"], found["BOOLEAN"]), (-5, 12, 8, 93, -7))
    equal(types["data_type"].to_pylist(), sorted(types["data_type"].to_pylist()))
    one = fetched(client, client.get_xdbc_type_info(12))
    equal(one["type_name"].to_pylist(), ["VARCHAR"])
    schemas = table_schemas(fetched(client, client.get_tables(include_schema=True)))
    for schema in schemas.values():
        for field in schema:
            assert b"ARROW:FLIGHT:SQL:TYPE_NAME" in (field.metadata or {}), field
    named = {field.name: field.metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"].decode() for field in schemas["users"]}
    equal((named["user_id"], named["lifecycle"], named["recency_days"], named["average_basket"]), ("BIGINT", "VARCHAR", "INTEGER", "DOUBLE"))


@check
def power_bi_walks_the_information_schema(address, _):
    client = connect(address)
    equal(
        rows(
            client,
            """SELECT table_catalog, table_schema, table_name, table_type FROM information_schema.tables
               WHERE table_type IN ('BASE TABLE', 'VIEW') AND table_schema <> 'information_schema' ORDER BY table_name""",
        ),
        [("causal", "public", name, "BASE TABLE") for name in ("decisions", "policies", "truth", "users")],
    )
    equal(
        rows(
            client,
            """SELECT column_name, is_nullable FROM information_schema.columns
               WHERE table_schema = 'public' AND table_name = 'policies' ORDER BY ordinal_position""",
        ),
        [(name, "YES") for name in ("decision_id", "policy", "target_prob", "q_value_target", "q_cost_target")],
    )
    folded = rows(
        client,
        """select "rows"."lifecycle" as "lifecycle", avg("rows"."average_basket") as "m"
           from (select "_"."lifecycle", "_"."average_basket" from "causal"."public"."users" "_" where "_"."orders_90d" >= 1) "rows"
           group by "lifecycle" order by "lifecycle" limit 1000001""",
    )
    written = rows(client, "SELECT lifecycle, avg(average_basket) AS m FROM users WHERE orders_90d >= 1 GROUP BY 1 ORDER BY 1")
    equal([name for name, _ in folded], [name for name, _ in written])
    for (_, one), (_, other) in zip(folded, written):
        near(one, other)


@check
def metabase_takes_fingerprints(address, _):
    client = connect(address)
    sample = asked(
        client,
        """SELECT "public"."users"."user_id" AS "user_id", SUBSTRING("public"."users"."lifecycle", 1, 1234) AS "substring1"
           FROM "public"."users" LIMIT 10000""",
    )
    equal([field.type for field in sample.schema], [pyarrow.int64(), pyarrow.string()])
    equal(sorted(set(sample["substring1"].to_pylist())), [name for (name,) in rows(client, "SELECT DISTINCT lifecycle FROM users ORDER BY 1")])
    weeks = rows(
        client,
        """SELECT DATE_TRUNC('week', "public"."decisions"."decided_at") AS "decided_at", COUNT(*) AS "count"
           FROM "public"."decisions" GROUP BY DATE_TRUNC('week', "public"."decisions"."decided_at") ORDER BY 1 ASC""",
    )
    equal(sum(n for _, n in weeks), rows(client, "SELECT count(*) FROM decisions")[0][0])
    # Read from and cut to 2,000 rows.
    equal(len(rows(client, "SELECT * FROM (SELECT * FROM decisions) AS source LIMIT 2000")), 2000)


@check
def a_deadline_of_a_call_is_kept(address, _):
    client = connect(address)
    sql = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1"
    try:
        info = client.execute(sql)
        (endpoint,) = info.endpoints
        client.do_get(endpoint.ticket, FlightSQLCallOptions(timeout=0.5, headers=[])).read_all()
    except pyarrow.ArrowException as error:
        assert "eadline" in str(error) or "imed out" in str(error) or "imeout" in str(error), str(error)
    else:
        raise AssertionError("expected an error, got none")
    equal(rows(client, "SELECT 1"), [(1,)])


check.run(*sys.argv[1:3])
