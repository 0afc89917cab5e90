// The npm client @lakehouse-rs/flight-sql-client: `node.mjs ADDRESS ADDRESS_WITH_USERS`, its modules in NODE_PATH.

import assert from "node:assert/strict";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { createFlightSqlClient } = require("@lakehouse-rs/flight-sql-client");
const { tableFromIPC } = require("apache-arrow");

const [open, users] = process.argv.slice(2);

function connect(address, who = { username: "ana", password: "any" }) {
  const [host, port] = address.split(":");
  return createFlightSqlClient({ host, port: Number(port), tls: false, headers: [], ...who });
}

/** Rows as plain objects; numbers of 64 bits as numbers. */
function plain(buffer) {
  const value = (v) => (typeof v === "bigint" ? Number(v) : v);
  return tableFromIPC(buffer)
    .toArray()
    .map((row) => Object.fromEntries(Object.entries(row.toJSON()).map(([k, v]) => [k, value(v)])));
}

const rows = async (client, sql) => plain(await client.query(sql));

function near(value, expected) {
  assert.ok(Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected)), `expected ${expected}, got ${value}`);
}

const checks = {
  async "values come as they are"() {
    const client = await connect(open);
    const sql = "SELECT 7 AS i, 0.5 AS f, 'naïve 🎈' AS s, true AS b, NULL AS n, arrow_cast('v', 'Utf8View') AS v";
    assert.deepEqual(await rows(client, sql), [{ i: 7, f: 0.5, s: "naïve 🎈", b: true, n: null, v: "v" }]);
    const many = await rows(client, "SELECT value, 'k' || value AS k FROM range(20000) ORDER BY value");
    assert.equal(many.length, 20000);
    assert.deepEqual(many[19999], { value: 19999, k: "k19999" });
    assert.deepEqual(await rows(client, "SELECT * FROM users LIMIT 0"), []);
  },

  async "the tree is shown"() {
    const client = await connect(open);
    assert.deepEqual(plain(await client.getCatalogs()), [{ catalog_name: "causal" }]);
    assert.deepEqual(plain(await client.getDbSchemas({})), [{ catalog_name: "causal", db_schema_name: "public" }]);
    const names = (buffer) => plain(buffer).map((table) => `${table.table_name} ${table.table_type}`);
    const all = ["decisions TABLE", "policies TABLE", "truth TABLE", "users TABLE"];
    assert.deepEqual(names(await client.getTables({})), all);
    assert.deepEqual(names(await client.getTables({ includeSchema: true })), all);
    assert.deepEqual(names(await client.getTables({ tableNameFilterPattern: "u%" })), ["users TABLE"]);
  },

  async "estimates are those of the fetched rows"() {
    const client = await connect(open);
    const values = await rows(
      client,
      `SELECT policy, dr_policy_value(value - cost, propensity, target_prob, q_value_logged - q_cost_logged,
                                      q_value_target - q_cost_target) AS value
       FROM decisions AS d JOIN policies AS p ON d.decision_id = p.decision_id GROUP BY policy ORDER BY policy`,
    );
    const sums = {};
    for (const row of await rows(
      client,
      `SELECT policy, value - cost AS reward, propensity, target_prob, q_value_logged - q_cost_logged AS q_logged,
              q_value_target - q_cost_target AS q_target
       FROM decisions AS d JOIN policies AS p ON d.decision_id = p.decision_id`,
    )) {
      const [sum, count] = sums[row.policy] ?? [0, 0];
      const value = row.q_target + (row.target_prob / row.propensity) * (row.reward - row.q_logged);
      sums[row.policy] = [sum + value, count + 1];
    }
    assert.deepEqual(
      values.map((row) => row.policy),
      Object.keys(sums).sort(),
    );
    for (const { policy, value } of values) {
      near(value, sums[policy][0] / sums[policy][1]);
    }
  },

  // Of an error the client says no more than this; of one that comes with the rows, and of a wrong password, it says nothing:
  // its promise stays open.
  async "a client's tables are its own, and errors are errors"() {
    const [one, other] = [await connect(open), await connect(open)];
    await one.query("CREATE TEMP TABLE mine AS SELECT 7 AS x");
    assert.deepEqual(await rows(one, "SELECT x FROM mine"), [{ x: 7 }]);
    await assert.rejects(other.query("SELECT x FROM mine"), /failed to prepare statement/);
  },

  async "users come by password or token"() {
    const ana = await connect(users, { username: "ana", password: "password" });
    assert.deepEqual(await rows(ana, "SELECT 1 AS x"), [{ x: 1 }]);
    const bot = await connect(users, { token: "a long secret" });
    assert.deepEqual(await rows(bot, "SELECT 1 AS x"), [{ x: 1 }]);
  },
};

setTimeout(() => {
  console.log("node: FAILED: no answer in 60 s");
  process.exit(1);
}, 60_000).unref();

let passed = 0;
for (const [name, check] of Object.entries(checks)) {
  const start = performance.now();
  try {
    await check();
  } catch (error) {
    console.error(error);
    console.log(`node: ${name}: FAILED: ${error.message}`);
    process.exit(1);
  }
  console.log(`node: ${name}: ok in ${((performance.now() - start) / 1000).toFixed(2)} s`);
  passed += 1;
}
console.log(`node: ${passed} passed`);
process.exit(0);
