// The Arrow Flight SQL JDBC driver, on which DBeaver, Tableau, Metabase and others stand:
// `java -cp DRIVER.jar:CLASSES FlightSql ADDRESS ADDRESS_WITH_USERS`.

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLFeatureNotSupportedException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Calendar;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.TimeZone;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.logging.LogManager;

public final class FlightSql {
    static final String SLOW =
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1";

    static String open;
    static String users;
    static int passed;

    interface Check {
        void run() throws Exception;
    }

    static void check(String name, Check check) {
        long start = System.nanoTime();
        try {
            check.run();
        } catch (Throwable error) {
            error.printStackTrace();
            System.out.println("jdbc: " + name + ": FAILED: " + error.getMessage());
            System.exit(1);
        }
        System.out.printf("jdbc: %s: ok in %.2f s%n", name, seconds(start));
        passed++;
    }

    static double seconds(long start) {
        return (System.nanoTime() - start) / 1e9;
    }

    static void equal(Object value, Object expected) {
        if (!Objects.equals(value, expected)) {
            throw new AssertionError("expected " + expected + ", got " + value);
        }
    }

    static void near(double value, double expected) {
        if (!(Math.abs(value - expected) <= 1e-9 * Math.max(1, Math.abs(expected)))) {
            throw new AssertionError("expected " + expected + ", got " + value);
        }
    }

    static SQLException refused(String text, Check check) throws Exception {
        try {
            check.run();
        } catch (SQLException error) {
            String said = error.toString();
            for (Throwable cause = error.getCause(); cause != null; cause = cause.getCause()) {
                said += " " + cause;
            }
            if (!said.contains(text)) {
                throw new AssertionError("expected " + text + " in " + said);
            }
            return error;
        }
        throw new AssertionError("expected an error with " + text + ", got none");
    }

    static String url(String address, String more) {
        return "jdbc:arrow-flight-sql://" + address + "?useEncryption=false" + more;
    }

    static Connection connect() throws SQLException {
        return DriverManager.getConnection(url(open, "&user=ana&password=any"));
    }

    /** All rows of a result. */
    static List<List<Object>> rows(ResultSet result) throws SQLException {
        try (result) {
            int columns = result.getMetaData().getColumnCount();
            List<List<Object>> rows = new ArrayList<>();
            while (result.next()) {
                List<Object> row = new ArrayList<>();
                for (int i = 1; i <= columns; i++) {
                    row.add(result.getObject(i));
                }
                rows.add(row);
            }
            return rows;
        }
    }

    static List<List<Object>> rows(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return rows(statement.executeQuery(sql));
        }
    }

    /** Some columns of all rows of a result. */
    static List<List<Object>> columns(ResultSet result, String... names) throws SQLException {
        try (result) {
            List<List<Object>> rows = new ArrayList<>();
            while (result.next()) {
                List<Object> row = new ArrayList<>();
                for (String name : names) {
                    row.add(result.getObject(name));
                }
                rows.add(row);
            }
            return rows;
        }
    }

    static int update(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    static List<Object> row(Object... values) {
        return Arrays.asList(values);
    }

    static void connections() throws Exception {
        try (Connection connection = connect()) {
            equal(rows(connection, "SELECT 1"), List.of(row(1L)));
            equal(connection.isValid(5), true);
        }
        Properties properties = new Properties();
        properties.put("user", "somebody");
        properties.put("password", "");
        properties.put("useEncryption", "false");
        try (Connection connection = DriverManager.getConnection("jdbc:arrow-flight-sql://" + open, properties)) {
            equal(rows(connection, "SELECT 2"), List.of(row(2L)));
        }
        try (Connection connection = DriverManager.getConnection(url(open, ""))) {
            equal(rows(connection, "SELECT 3"), List.of(row(3L)));
        }
        // What the driver does not know is sent as a header.
        try (Connection connection = DriverManager.getConnection(url(open, "&user=a&password=b&database=x"))) {
            equal(rows(connection, "SELECT 4"), List.of(row(4L)));
        }
    }

    /** With a catalog in its URL the driver sets it as an option of the session, and closes the session at the end. */
    static void sessionOptions() throws Exception {
        try (Connection connection = DriverManager.getConnection(url(open, "&user=a&password=b&catalog=causal"))) {
            equal(rows(connection, "SELECT 1"), List.of(row(1L)));
            equal(rows(connection, "SELECT count(*) > 0 FROM users"), List.of(row(true)));
        } catch (SQLException error) {
            // The driver closes its channel, then asks for the end of the session once more (arrow-java #66).
            if (!error.toString().contains("Channel shutdown invoked")) {
                throw error;
            }
        }
    }

    static void product() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            equal(about.getDatabaseProductName(), "causal");
            equal(about.getDatabaseProductVersion().isEmpty(), false);
            equal(about.getIdentifierQuoteString(), "\"");
            equal(about.getSearchStringEscape(), "\\");
            equal(about.getCatalogTerm(), "catalog");
            equal(about.getSchemaTerm(), "schema");
            equal(about.isReadOnly(), false);
            equal(about.supportsTransactions(), false);
            equal(about.supportsGroupBy(), true);
            equal(about.supportsBatchUpdates(), true);
            equal(about.getSQLKeywords().contains("QUALIFY"), true);
            equal(about.getStringFunctions().contains("SUBSTRING"), true);
            equal(about.getNumericFunctions().contains("SQRT"), true);
            equal(about.getTimeDateFunctions().contains("DATE_TRUNC"), true);
            equal(about.getMaxColumnsInSelect(), 0);
        }
    }

    /** Tools ask for everything that there is to ask; nothing but what the driver does not have may fail. */
    static void everyGetter() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            Map<String, String> failed = new TreeMap<>();
            for (Method method : DatabaseMetaData.class.getMethods()) {
                if (method.getParameterCount() > 0) {
                    continue;
                }
                try {
                    if (method.invoke(about) instanceof ResultSet result) {
                        result.close();
                    }
                } catch (InvocationTargetException error) {
                    if (!(error.getCause() instanceof SQLFeatureNotSupportedException)) {
                        failed.put(method.getName(), error.getCause().toString());
                    }
                }
            }
            equal(failed, Map.of());
        }
    }

    static void tree() throws Exception {
        try (Connection connection = connect()) {
            DatabaseMetaData about = connection.getMetaData();
            equal(rows(about.getCatalogs()), List.of(row("causal")));
            equal(columns(about.getSchemas(), "TABLE_CATALOG", "TABLE_SCHEM"), List.of(row("causal", "public")));
            equal(columns(about.getSchemas("causal", "pub%"), "TABLE_SCHEM"), List.of(row("public")));
            equal(columns(about.getSchemas("other", null), "TABLE_SCHEM"), List.of());
            equal(rows(about.getTableTypes()), List.of(row("LOCAL TEMPORARY"), row("TABLE"), row("VIEW")));
            List<List<Object>> all = List.of(
                row("causal", "public", "decisions", "TABLE"),
                row("causal", "public", "policies", "TABLE"),
                row("causal", "public", "truth", "TABLE"),
                row("causal", "public", "users", "TABLE"));
            String[] names = {"TABLE_CAT", "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"};
            equal(columns(about.getTables(null, null, null, null), names), all);
            equal(columns(about.getTables(null, null, "%", new String[] {"TABLE", "VIEW"}), names), all);
            equal(columns(about.getTables("causal", "public", "%", null), names), all);
            equal(columns(about.getTables(null, null, "us_rs", null), names), all.subList(3, 4));
            equal(columns(about.getTables(null, null, null, new String[] {"VIEW"}), names), List.of());
            equal(columns(about.getTables("", null, null, null), names), List.of());
            equal(
                columns(
                    about.getColumns(null, null, "policies", null),
                    "TABLE_NAME", "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "ORDINAL_POSITION", "NULLABLE"),
                List.of(
                    row("policies", "decision_id", Types.BIGINT, "BIGINT", 1, 1),
                    row("policies", "policy", Types.VARCHAR, "VARCHAR", 2, 1),
                    row("policies", "target_prob", Types.DOUBLE, "DOUBLE", 3, 1),
                    row("policies", "q_value_target", Types.DOUBLE, "DOUBLE", 4, 1),
                    row("policies", "q_cost_target", Types.DOUBLE, "DOUBLE", 5, 1)));
            equal(
                columns(about.getColumns("causal", "public", "decisions", "decided%"), "COLUMN_NAME", "DATA_TYPE"),
                List.of(row("decided_at", Types.TIMESTAMP)));
            equal(columns(about.getColumns(null, null, null, null), "COLUMN_NAME").size() > 40, true);
            for (ResultSet keys : List.of(
                about.getPrimaryKeys(null, null, "users"),
                about.getPrimaryKeys("causal", "public", "users"),
                about.getImportedKeys(null, null, "users"),
                about.getExportedKeys(null, null, "users"),
                about.getCrossReference(null, null, "users", null, null, "decisions"))) {
                equal(rows(keys), List.of());
            }
        }
    }

    static void parameters() throws Exception {
        try (Connection connection = connect()) {
            StringBuilder sql = new StringBuilder("SELECT ");
            for (int i = 1; i <= 12; i++) {
                sql.append(i == 1 ? "" : ", ").append("? + 0 AS p").append(i);
            }
            try (PreparedStatement statement = connection.prepareStatement(sql.toString())) {
                equal(statement.getParameterMetaData().getParameterCount(), 12);
                for (int run = 0; run < 2; run++) {
                    List<Object> expected = new ArrayList<>();
                    for (int i = 1; i <= 12; i++) {
                        statement.setInt(i, i * 10 + run);
                        expected.add((long) i * 10 + run);
                    }
                    equal(rows(statement.executeQuery()), List.of(expected));
                }
            }
            try (PreparedStatement statement = connection.prepareStatement(
                "SELECT count(*) FROM users WHERE lifecycle = ? AND average_basket > ? AND user_id <= ? AND orders_90d >= ?")) {
                statement.setString(1, "active");
                statement.setDouble(2, 20.5);
                statement.setLong(3, 1000);
                statement.setInt(4, 1);
                equal(
                    rows(statement.executeQuery()),
                    rows(
                        connection,
                        "SELECT count(*) FROM users WHERE lifecycle = 'active' AND average_basket > 20.5 AND user_id <= 1000 AND orders_90d >= 1"));
                statement.setString(1, "nobody");
                equal(rows(statement.executeQuery()), List.of(row(0L)));
            }
            Calendar utc = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
            try (PreparedStatement statement =
                connection.prepareStatement("SELECT count(*) FROM decisions WHERE decided_at < ?")) {
                statement.setTimestamp(1, Timestamp.valueOf("2026-01-10 00:00:00"), utc);
                long some = (Long) rows(statement.executeQuery()).get(0).get(0);
                statement.setTimestamp(1, Timestamp.valueOf("2100-01-01 00:00:00"), utc);
                long all = (Long) rows(statement.executeQuery()).get(0).get(0);
                equal(
                    some,
                    rows(connection, "SELECT count(*) FROM decisions WHERE decided_at < TIMESTAMP '2026-01-10 00:00:00'")
                        .get(0)
                        .get(0));
                equal(some > 0 && some < all, true);
            }
            // The statement does not say what it is.
            try (PreparedStatement statement = connection.prepareStatement("SELECT ?, ? || '!'")) {
                statement.setString(1, "é");
                statement.setString(2, "x");
                equal(rows(statement.executeQuery()), List.of(row("é", "x!")));
            }
            try (PreparedStatement statement =
                connection.prepareStatement("SELECT value FROM range(10) WHERE value = ? OR (value + ?) IS NULL")) {
                statement.setLong(1, 3);
                statement.setNull(2, Types.BIGINT);
                equal(rows(statement.executeQuery()).size(), 10);
            }
        }
    }

    static void typedParameters() throws Exception {
        try (Connection connection = connect();
            PreparedStatement statement = connection.prepareStatement(
                "SELECT CAST(? AS BIGINT) + value, CAST(? AS TIMESTAMP) FROM range(10) ORDER BY value LIMIT ? OFFSET ?")) {
            statement.setInt(1, 100);
            statement.setTimestamp(2, Timestamp.valueOf("2026-01-10 00:00:00"));
            statement.setInt(3, 2);
            statement.setInt(4, 3);
            List<List<Object>> rows = rows(statement.executeQuery());
            equal(List.of(rows.get(0).get(0), rows.get(1).get(0), rows.size()), List.of(103L, 104L, 2));
        }
    }

    static void updates() throws Exception {
        try (Connection connection = connect(); Connection other = connect()) {
            equal(update(connection, "CREATE TEMP TABLE mine (a BIGINT, b VARCHAR, c DOUBLE, t TIMESTAMP)"), 0);
            equal(
                update(
                    connection,
                    "INSERT INTO mine VALUES (1, 'x', 0.5, NULL), (2, 'y', 1.5, TIMESTAMP '2026-01-02 03:04:05')"),
                2);
            try (PreparedStatement insert = connection.prepareStatement("INSERT INTO mine VALUES (?, ?, ?, NULL)")) {
                insert.setLong(1, 3);
                insert.setString(2, "z");
                insert.setDouble(3, 2.5);
                equal(insert.executeUpdate(), 1);
                for (int i = 4; i <= 6; i++) {
                    insert.setLong(1, i);
                    insert.setString(2, "batch");
                    insert.setDouble(3, i);
                    insert.addBatch();
                }
                int sum = 0;
                for (int count : insert.executeBatch()) {
                    sum += count;
                }
                equal(sum, 3);
            }
            equal(rows(connection, "SELECT count(*), sum(a), sum(c) FROM mine"), List.of(row(6L, 21L, 19.5)));
            try (Statement statement = connection.createStatement()) {
                equal(statement.execute("SELECT a FROM mine ORDER BY a"), true);
                equal(rows(statement.getResultSet()).size(), 6);
                equal(statement.execute("INSERT INTO mine VALUES (7, NULL, NULL, NULL)"), false);
                equal(statement.getUpdateCount(), 1);
                equal(statement.execute("SET datafusion.execution.batch_size = 100"), false);
            }
            equal(rows(connection, "SHOW datafusion.execution.batch_size").get(0).get(1), "100");
            equal(
                columns(connection.getMetaData().getTables(null, null, "mine", null), "TABLE_TYPE"),
                List.of(row("LOCAL TEMPORARY")));
            refused("table 'mine' not found", () -> rows(other, "SELECT * FROM mine"));
            equal(rows(other.getMetaData().getTables(null, null, "mine", null)), List.of());
            // Once, however often the driver asks for what comes of it.
            equal(update(connection, "CREATE TABLE once AS SELECT 1 AS x"), 0);
            equal(rows(connection, "SELECT count(*) FROM once"), List.of(row(1L)));
            update(connection, "DROP TABLE mine");
            refused("table 'mine' not found", () -> rows(connection, "SELECT * FROM mine"));
        }
    }

    static void values() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            String sql = """
                SELECT true AS b, arrow_cast(7, 'Int8') AS i1, arrow_cast(7, 'Int32') AS i4, -9223372036854775807 AS i8,
                       0.1 AS d, arrow_cast('12345678901234567890.123456', 'Decimal128(38, 6)') AS n, 'naïve 🎈' AS s,
                       DATE '2026-01-18' AS day, arrow_cast('2026-01-18T13:06:57.669377', 'Timestamp(Microsecond, None)') AS t,
                       arrow_cast('2026-01-18T13:06:57Z', 'Timestamp(Microsecond, Some("UTC"))') AS z,
                       [1, 2, 3] AS l, {'x': 1, 'y': 'two'} AS r, x'00ff' AS raw, arrow_cast(7, 'UInt64') AS u,
                       arrow_cast('w', 'Dictionary(Int32, Utf8)') AS w, arrow_cast('v', 'Utf8View') AS v, NULL AS nothing
                """;
            try (ResultSet result = statement.executeQuery(sql)) {
                ResultSetMetaData about = result.getMetaData();
                List<Object> types = new ArrayList<>();
                for (int i = 1; i <= about.getColumnCount(); i++) {
                    types.add(about.getColumnType(i));
                }
                equal(
                    types,
                    row(
                        Types.BOOLEAN, Types.TINYINT, Types.INTEGER, Types.BIGINT, Types.DOUBLE, Types.DECIMAL,
                        Types.VARCHAR, Types.DATE, Types.TIMESTAMP, Types.TIMESTAMP_WITH_TIMEZONE, Types.ARRAY,
                        about.getColumnType(12), Types.VARBINARY, Types.BIGINT, Types.VARCHAR, Types.VARCHAR, Types.NULL));
                equal(about.getColumnName(7), "s");
                equal(result.next(), true);
                equal(result.getBoolean("b"), true);
                equal(result.getInt("i1"), 7);
                equal(result.getInt("i4"), 7);
                equal(result.getLong("i8"), -9223372036854775807L);
                equal(result.getDouble("d"), 0.1);
                equal(result.getBigDecimal("n"), new BigDecimal("12345678901234567890.123456"));
                equal(result.getString("s"), "naïve 🎈");
                equal(result.getDate("day"), Date.valueOf("2026-01-18"));
                Calendar utc = Calendar.getInstance(TimeZone.getTimeZone("UTC"));
                equal(result.getTimestamp("t", utc).toInstant().toString(), "2026-01-18T13:06:57.669377Z");
                equal(result.getTimestamp("z").toInstant().toString(), "2026-01-18T13:06:57Z");
                Array list = result.getArray("l");
                equal(Arrays.asList((Object[]) list.getArray()), row(1L, 2L, 3L));
                equal(result.getObject("r").toString(), "{\"x\":1,\"y\":\"two\"}");
                equal(Arrays.equals(result.getBytes("raw"), new byte[] {0, (byte) 0xff}), true);
                equal(result.getLong("u"), 7L);
                equal(result.getString("w"), "w");
                equal(result.getString("v"), "v");
                equal(result.getObject("nothing"), null);
                equal(result.next(), false);
            }
        }
    }

    static void estimates() throws Exception {
        try (Connection connection = connect()) {
            Map<String, double[]> sums = new TreeMap<>();
            try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery("""
                    SELECT policy, value - cost AS reward, propensity, target_prob, q_value_logged - q_cost_logged AS q_logged,
                           q_value_target - q_cost_target AS q_target
                    FROM decisions AS d JOIN policies AS p ON d.decision_id = p.decision_id
                    """)) {
                while (result.next()) {
                    double weight = result.getDouble("target_prob") / result.getDouble("propensity");
                    double[] sum = sums.computeIfAbsent(result.getString("policy"), policy -> new double[2]);
                    sum[0] += result.getDouble("q_target")
                        + weight * (result.getDouble("reward") - result.getDouble("q_logged"));
                    sum[1]++;
                }
            }
            List<List<Object>> values = rows(connection, """
                SELECT policy, dr_policy_value(value - cost, propensity, target_prob, q_value_logged - q_cost_logged,
                                               q_value_target - q_cost_target) AS value
                FROM decisions AS d JOIN policies AS p ON d.decision_id = p.decision_id GROUP BY policy ORDER BY policy
                """);
            equal(values.size(), 3);
            for (List<Object> value : values) {
                double[] sum = sums.get((String) value.get(0));
                near((Double) value.get(1), sum[0] / sum[1]);
            }
            try (Statement statement = connection.createStatement();
                ResultSet result = statement.executeQuery(
                    "SELECT * FROM expand((SELECT diff_in_means_ci(value, loyalty_invited) FROM decisions))")) {
                equal(result.next(), true);
                double low = result.getDouble("ci_low");
                double high = result.getDouble("ci_high");
                equal(low < result.getDouble("estimate") && result.getDouble("estimate") < high, true);
                equal(result.getLong("n"), rows(connection, "SELECT count(*) FROM decisions").get(0).get(0));
            }
        }
    }

    static void emptyResults() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            for (String sql : List.of("SELECT * FROM users LIMIT 0", "SELECT * FROM users WHERE 1=0")) {
                // A statement that is not prepared has them twice in driver 18.3: apache/arrow-java#44.
                try (PreparedStatement prepared = connection.prepareStatement(sql); ResultSet result = prepared.executeQuery()) {
                    equal(prepared.getMetaData().getColumnCount(), 9);
                    equal(result.getMetaData().getColumnCount(), 9);
                    equal(result.getMetaData().getColumnName(1), "user_id");
                    equal(result.next(), false);
                }
                equal(rows(statement.executeQuery(sql)), List.of());
            }
            equal(rows(connection, "SELECT substring('causal', 1, 3) AS \"Mixed Case\""), List.of(row("cau")));
        }
    }

    static void limits() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            statement.setMaxRows(5);
            equal(rows(statement.executeQuery("SELECT value FROM range(1000000)")).size(), 5);
            equal(rows(connection, "SELECT value FROM range(300000)").size(), 300000);
            try (Statement slow = connection.createStatement()) {
                slow.setQueryTimeout(1);
                long start = System.nanoTime();
                refused("", () -> rows(slow.executeQuery(SLOW)));
                equal(seconds(start) < 3, true);
            }
            equal(rows(connection, "SELECT 1"), List.of(row(1L)));
        }
    }

    static void cancel() throws Exception {
        try (Connection connection = connect(); Statement statement = connection.createStatement()) {
            CompletableFuture<Void> cancel = CompletableFuture.runAsync(() -> {
                try {
                    Thread.sleep(700);
                    statement.cancel();
                } catch (Exception error) {
                    throw new RuntimeException(error);
                }
            });
            long start = System.nanoTime();
            refused("", () -> rows(statement.executeQuery(SLOW)));
            equal(seconds(start) < 2.7, true);
            cancel.get();
            equal(rows(connection, "SELECT 1"), List.of(row(1L)));
        }
    }

    static void errors() throws Exception {
        try (Connection connection = connect()) {
            for (String[] wrong : new String[][] {
                {"SELECT 1 FRM users", "syntax error"},
                {"SELECT usr_id FROM users", "user_id"},
                {"SELECT * FROM nowhere", "table 'nowhere' not found"},
                {"SELECT ips_policy_value(1, 0, 1)", "propensity must be in (0, 1], got 0"},
                {"COPY users TO 'x.csv'", "COPY is for the role admin"},
                {"SELECT 1; SELECT 2", "one statement at a time"},
            }) {
                SQLException error = refused(wrong[1], () -> rows(connection, wrong[0]));
                equal(error.toString().contains("DataFusionError"), false);
            }
            equal(rows(connection, "SELECT 1"), List.of(row(1L)));
        }
    }

    static void withUsers() throws Exception {
        try (Connection connection = DriverManager.getConnection(url(users, "&user=ana&password=password"))) {
            equal(rows(connection, "SELECT 1"), List.of(row(1L)));
            update(connection, "CREATE TEMP TABLE mine AS SELECT 1 AS x");
            refused("is for the role analyst", () -> update(connection, "INSERT INTO mine VALUES (2)"));
        }
        try (Connection connection = DriverManager.getConnection(url(users, "&token=a%20long%20secret"))) {
            update(connection, "CREATE TEMP TABLE mine AS SELECT 1 AS x");
            equal(update(connection, "INSERT INTO mine VALUES (2)"), 1);
            equal(rows(connection, "SELECT sum(x) FROM mine"), List.of(row(3L)));
        }
        refused(
            "user or password is wrong",
            () -> DriverManager.getConnection(url(users, "&user=ana&password=wrong")).close());
        refused("the token is not known", () -> DriverManager.getConnection(url(users, "&token=x")).close());
    }

    public static void main(String[] arguments) {
        // The driver tells its log of each error that is expected here.
        LogManager.getLogManager().reset();
        open = arguments[0];
        users = arguments[1];
        check("connections with a password, without one, with unknown properties", FlightSql::connections);
        check("a catalog in the URL", FlightSql::sessionOptions);
        check("the product and its abilities", FlightSql::product);
        check("every getter of the metadata", FlightSql::everyGetter);
        check("the tree of catalogs, tables and columns; keys", FlightSql::tree);
        check("parameters keep their places and types", FlightSql::parameters);
        check("updates, batches and temporary tables", FlightSql::updates);
        check("values come as they are", FlightSql::values);
        check("estimates are those of the fetched rows", FlightSql::estimates);
        check("empty results have their columns", FlightSql::emptyResults);
        check("rows and time are limited", FlightSql::limits);
        check("a query is cancelled", FlightSql::cancel);
        check("errors have words", FlightSql::errors);
        check("users come by password or token", FlightSql::withUsers);
        check("casts and limits say the types of their parameters", FlightSql::typedParameters);
        System.out.println("jdbc: " + passed + " passed");
        System.exit(0);
    }
}
