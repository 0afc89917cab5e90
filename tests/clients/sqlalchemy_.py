"""SQLAlchemy by flightsql-dbapi, on which Superset stands: `sqlalchemy_.py ADDRESS ADDRESS_WITH_USERS`."""

import sys

import flightsql.sqlalchemy  # noqa: F401  registers the dialect
from sqlalchemy import MetaData, Table, create_engine, func, inspect, select, text

from checks import DR, DR_ROWS, Checks, dr_by_hand, equal, near

check = Checks("sqlalchemy")


def engine(address, user="ana:any@", more=""):
    return create_engine(f"datafusion+flightsql://{user}{address}?insecure=true{more}")


def rows(connection, sql):
    return [tuple(row) for row in connection.execute(text(sql)).fetchall()]


@check
def the_inspector_finds_schemas_tables_and_columns(address, _):
    found = inspect(engine(address))
    equal(found.get_schema_names(), ["public"])
    equal(sorted(found.get_table_names()), ["decisions", "policies", "truth", "users"])
    equal(sorted(found.get_table_names(schema="public")), ["decisions", "policies", "truth", "users"])
    equal(found.has_table("users", schema="public"), True)
    columns = found.get_columns("policies", schema="public")
    equal([c["name"] for c in columns], ["decision_id", "policy", "target_prob", "q_value_target", "q_cost_target"])
    equal([str(c["type"]) for c in columns], ["BIGINT", "TEXT", "FLOAT", "FLOAT", "FLOAT"])
    types = {c["name"]: str(c["type"]) for c in found.get_columns("decisions", schema="public")}
    equal((types["lifecycle"], types["decided_at"], types["value"]), ("TEXT", "TIMESTAMP", "FLOAT"))


@check
def literals_come_back(address, _):
    with engine(address).connect() as connection:
        equal(rows(connection, "SELECT 1 AS a, 'naïve ''q''' AS b, 1.5 AS c, true AS d, NULL AS e"), [(1, "naïve 'q'", 1.5, True, None)])
        # The dialect writes values into the text; those that are given to `execute` it writes as NULL.
        query = text("SELECT value FROM range(10) WHERE value < :n AND 'it''s' = :s ORDER BY 1")
        equal([tuple(row) for row in connection.execute(query.bindparams(n=3, s="it's"))], [(0,), (1,), (2,)])


@check
def queries_are_built(address, _):
    base = engine(address)
    users = Table("users", MetaData(), autoload_with=base)
    query = (
        select(users.c.lifecycle, func.count().label("n"), func.avg(users.c.average_basket).label("basket"))
        .where(users.c.lifecycle.in_(["active", "new"]))
        .group_by(users.c.lifecycle)
        .order_by(users.c.lifecycle)
        .limit(10)
    )
    with base.connect() as connection:
        built = [tuple(row) for row in connection.execute(query)]
        written = rows(
            connection,
            "SELECT lifecycle, count(*), avg(average_basket) FROM users WHERE lifecycle IN ('active', 'new') GROUP BY 1 ORDER BY 1",
        )
        equal([name for name, _, _ in built], ["active", "new"])
        for one, other in zip(built, written):
            equal(one[:2], other[:2])
            near(one[2], other[2])


@check
def estimates_are_those_of_the_fetched_rows(address, _):
    with engine(address).connect() as connection:
        by_hand = dr_by_hand(rows(connection, DR_ROWS))
        values = dict(rows(connection, DR))
        equal(sorted(values), ["baseline", "budgeted", "value_first"])
        for policy, value in values.items():
            near(value, by_hand[policy])


@check
def errors_have_words(address, _):
    with engine(address).connect() as connection:
        try:
            rows(connection, "SELECT * FROM nowhere")
        except Exception as error:
            assert "table 'nowhere' not found" in str(error), str(error)
            assert "DataFusionError" not in str(error), str(error)
        else:
            raise AssertionError("expected an error, got none")
        equal(rows(connection, "SELECT 1"), [(1,)])


@check
def tables_of_a_connection_are_its_own(address, _):
    with engine(address).connect() as one, engine(address).connect() as other:
        one.execute(text("CREATE TEMP TABLE mine AS SELECT 7 AS x"))
        equal(rows(one, "SELECT x FROM mine"), [(7,)])
        try:
            rows(other, "SELECT x FROM mine")
        except Exception as error:
            assert "table 'mine' not found" in str(error), str(error)
        else:
            raise AssertionError("expected an error, got none")


@check
def users_come_by_password_or_token(_, address):
    with engine(address, "ana:password@").connect() as connection:
        equal(rows(connection, "SELECT 1"), [(1,)])
    with engine(address, "", "&token=a long secret").connect() as connection:
        equal(rows(connection, "SELECT 1"), [(1,)])
    for user, more, said in [("ana:wrong@", "", "user or password is wrong"), ("", "&token=x", "the token is not known")]:
        try:
            engine(address, user, more).connect()
        except Exception as error:
            assert said in str(error), str(error)
        else:
            raise AssertionError(f"expected an error with {said!r}, got none")


check.run(*sys.argv[1:3])
