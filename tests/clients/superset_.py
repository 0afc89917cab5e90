"""Superset, asked by its own API as its pages do: `superset_.py ADDRESS ADDRESS_WITH_USERS`.

Its database of charts and users is a file in a temporary folder.
"""

import logging
import os
import pathlib
import sys
import tempfile
import warnings

from checks import DR, DR_ROWS, Checks, dr_by_hand, equal, near

check = Checks("superset")

CONFIG = """
import flightsql.sqlalchemy
SECRET_KEY = "only for this test"
SQLALCHEMY_DATABASE_URI = "sqlite:///{home}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
RATELIMIT_ENABLED = False
LOG_LEVEL = "ERROR"
SQL_MAX_ROW = DISPLAY_MAX_ROW = 1000000
"""


def start(home):
    """A client of Superset's API, as an administrator."""
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    config = pathlib.Path(home) / "superset_config.py"
    config.write_text(CONFIG.format(home=home))
    os.environ.update(SUPERSET_CONFIG_PATH=str(config), SUPERSET_HOME=home)
    from superset.app import create_app

    app = create_app()
    with app.app_context():
        from flask_appbuilder import Model
        from superset.extensions import appbuilder, db, security_manager

        Model.metadata.create_all(db.engine)
        appbuilder.add_permissions(update_perms=True)
        security_manager.sync_role_definitions()
        role = security_manager.find_role("Admin")
        security_manager.add_user("admin", "A", "B", "admin@example.org", role, password="admin")
        db.session.commit()
    client = app.test_client()
    login = {"username": "admin", "password": "admin", "provider": "db"}
    token = client.post("/api/v1/security/login", json=login).json["access_token"]
    return Superset(client, {"Authorization": f"Bearer {token}"})


class Superset:
    def __init__(self, client, headers):
        self.client, self.headers = client, headers

    def get(self, path):
        return self.done(self.client.get(path, headers=self.headers))

    def post(self, path, **body):
        return self.done(self.client.post(path, json=body, headers=self.headers))

    @staticmethod
    def done(response):
        assert response.status_code < 300, f"{response.status_code}: {response.get_data(as_text=True)}"
        return response.json

    def sql(self, database, sql):
        """What SQL Lab shows for a query."""
        result = self.post("/api/v1/sqllab/execute/", database_id=database, sql=sql, runAsync=False, queryLimit=1000000)
        equal(result["status"], "success")
        return result["data"]


def uri(address, user="ana:any"):
    return f"datafusion+flightsql://{user}@{address}?insecure=true"


@check
def a_database_is_connected(superset, address, _):
    tested = superset.post("/api/v1/database/test_connection/", database_name="causal", sqlalchemy_uri=uri(address))
    equal(tested["message"], "OK")
    made = superset.post("/api/v1/database/", database_name="causal", sqlalchemy_uri=uri(address), expose_in_sqllab=True)
    equal(made["id"], 1)


@check
def a_wrong_password_is_said(superset, _, address):
    path = "/api/v1/database/test_connection/"
    body = {"database_name": "users", "sqlalchemy_uri": uri(address, "ana:wrong")}
    response = superset.client.post(path, json=body, headers=superset.headers)
    assert response.status_code >= 400, response.get_data(as_text=True)
    equal(superset.post(path, database_name="users", sqlalchemy_uri=uri(address, "ana:password"))["message"], "OK")


@check
def the_tree_is_shown(superset, *_):
    equal(superset.get("/api/v1/database/1/schemas/")["result"], ["public"])
    tables = superset.get("/api/v1/database/1/tables/?q=(schema_name:public)")["result"]
    equal(sorted(table["value"] for table in tables), ["decisions", "policies", "truth", "users"])
    columns = superset.get("/api/v1/database/1/table_metadata/?name=policies&schema=public")["columns"]
    equal([(c["name"], c["type"]) for c in columns][:3], [("decision_id", "BIGINT"), ("policy", "TEXT"), ("target_prob", "FLOAT")])


@check
def a_dataset_has_the_columns_of_its_table(superset, *_):
    made = superset.post("/api/v1/dataset/", database=1, schema="public", table_name="decisions")
    columns = superset.get(f"/api/v1/dataset/{made['id']}")["result"]["columns"]
    types = {c["column_name"]: (c["type"], c["is_dttm"]) for c in columns}
    equal(len(types), 32)
    equal(types["decided_at"], ("TIMESTAMP", True))
    equal(types["lifecycle"], ("TEXT", False))


@check
def sql_lab_gives_the_estimates_of_the_fetched_rows(superset, *_):
    values = {row["policy"]: row["value"] for row in superset.sql(1, DR)}
    by_hand = dr_by_hand([tuple(row.values()) for row in superset.sql(1, DR_ROWS)])
    equal(sorted(values), sorted(by_hand))
    for policy, value in values.items():
        near(value, by_hand[policy])
    flat = superset.sql(1, "SELECT * FROM expand((SELECT diff_in_means_ci(value, loyalty_invited) FROM decisions))")
    assert flat[0]["ci_low"] < flat[0]["estimate"] < flat[0]["ci_high"], flat


def chart(superset, dataset, **query):
    """The rows of a chart of a dataset."""
    body = {
        "datasource": {"id": dataset, "type": "table"},
        "queries": [{"row_limit": 1000, "orderby": [], "filters": [], **query}],
        "result_format": "json",
        "result_type": "full",
        "force": True,
    }
    (result,) = superset.post("/api/v1/chart/data", **body)["result"]
    equal(result["error"], None)
    return result


@check
def a_chart_shows_an_effect_by_group(superset, *_):
    metric = {"expressionType": "SQL", "sqlExpression": "diff_in_means(value, loyalty_invited)", "label": "effect"}
    result = chart(superset, 1, columns=["lifecycle"], metrics=[metric], filters=[{"col": "channel", "op": "IN", "val": ["app", "email"]}])
    expected = superset.sql(
        1,
        "SELECT lifecycle, diff_in_means(value, loyalty_invited) AS effect FROM decisions WHERE channel IN ('app', 'email') GROUP BY 1",
    )
    effects = {row["lifecycle"]: row["effect"] for row in result["data"]}
    equal(len(effects) > 1, True)
    equal(sorted(effects), sorted(row["lifecycle"] for row in expected))
    for row in expected:
        near(effects[row["lifecycle"]], row["effect"])


@check
def a_chart_shows_the_value_of_policies(superset, *_):
    joined = "SELECT * FROM decisions AS d JOIN policies AS p USING (decision_id)"
    made = superset.post("/api/v1/dataset/", database=1, schema="public", table_name="evaluations", sql=joined)
    value = "dr_policy_value(value - cost, propensity, target_prob, q_value_logged - q_cost_logged, q_value_target - q_cost_target)"
    metric = {"expressionType": "SQL", "sqlExpression": value, "label": "policy_value"}
    result = chart(superset, made["id"], columns=["policy"], metrics=[metric], orderby=[[metric, False]])
    shown = {row["policy"]: row["policy_value"] for row in result["data"]}
    expected = {row["policy"]: row["value"] for row in superset.sql(1, DR)}
    equal(sorted(shown), sorted(expected))
    equal(list(shown.values()), sorted(shown.values(), reverse=True))
    for policy, value in expected.items():
        near(shown[policy], value)
    return ", ".join(f"{policy} {value:.4f}" for policy, value in shown.items())


@check
def a_chart_is_cut_to_a_time_range(superset, *_):
    count = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "n"}
    result = chart(superset, 1, columns=[], metrics=[count], granularity="decided_at", time_range="2026-01-05 : 2026-01-12")
    expected = superset.sql(
        1, "SELECT count(*) AS n FROM decisions WHERE decided_at >= '2026-01-05' AND decided_at < '2026-01-12'"
    )
    equal(result["data"][0]["n"], expected[0]["n"])
    equal(expected[0]["n"] > 0, True)


@check
def a_chart_groups_by_week_without_time_grains(superset, *_):
    grains = superset.get("/api/v1/dataset/1")["result"]["time_grain_sqla"]
    equal([grain for grain in grains if grain[0]], [])
    week = {"expressionType": "SQL", "sqlExpression": "date_trunc('week', decided_at)", "label": "week"}
    low = {"expressionType": "SQL", "sqlExpression": "diff_in_means_ci(value, loyalty_invited)['ci_low']", "label": "low"}
    shown = chart(superset, 1, columns=[week], metrics=[low])["data"]
    expected = superset.sql(
        1,
        """SELECT date_trunc('week', decided_at) AS week, diff_in_means_ci(value, loyalty_invited)['ci_low'] AS low
           FROM decisions GROUP BY 1""",
    )
    equal(len(shown), 4)
    for one, other in zip(sorted(row["low"] for row in shown), sorted(row["low"] for row in expected)):
        near(one, other)


@check
def an_error_is_shown_in_words(superset, *_):
    body = {"database_id": 1, "sql": "SELECT ips_policy_value(1, 0, 1)", "runAsync": False}
    response = superset.client.post("/api/v1/sqllab/execute/", json=body, headers=superset.headers)
    said = response.get_data(as_text=True)
    assert response.status_code >= 400 and "propensity must be in (0, 1], got 0" in said, said


with tempfile.TemporaryDirectory() as home:
    check.run(start(home), *sys.argv[1:3])
