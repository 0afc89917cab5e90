"""Throughput of a large result over Flight: ours beside pyarrow's server, alternating, in one run."""

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time

import pyarrow as pa
import pyarrow.flight as flight
import pyarrow.parquet as parquet

ROWS = int(os.environ.get("CAUSAL_BENCH_ROWS", 5_000_000))
ROUNDS = int(os.environ.get("CAUSAL_BENCH_ROUNDS", 7))
# Rows of a batch, the same for both.
BATCH = 8192
ENOUGH = 0.8


def table():
    """Eight columns of the types that logs have."""
    ids = pa.array(range(ROWS), pa.int64())
    segments = pa.array([f"segment {i % 100}" for i in range(1000)] * (ROWS // 1000 + 1)).slice(0, ROWS)
    floats = [pa.array([(i * k % 1009) / 7 for i in range(1009)] * (ROWS // 1009 + 1), pa.float64()).slice(0, ROWS) for k in (3, 5, 7)]
    flags = pa.array([i % 3 == 0 for i in range(999)] * (ROWS // 999 + 1)).slice(0, ROWS)
    ints = pa.array([i % 7 for i in range(1001)] * (ROWS // 1001 + 1), pa.int32()).slice(0, ROWS)
    times = ids.cast(pa.timestamp("us"))
    names = ["id", "segment", "value", "cost", "propensity", "treated", "action", "at"]
    return pa.table([ids, segments, *floats, flags, ints, times], names=names)


class Server(flight.FlightServerBase):
    """Serves a table that it holds."""

    def __init__(self, address, path):
        super().__init__(address)
        self.held = parquet.read_table(path).combine_chunks()

    def do_get(self, context, ticket):
        return flight.RecordBatchStream(pa.RecordBatchReader.from_batches(self.held.schema, self.held.to_batches(BATCH)))


def serve_pyarrow(path, said):
    server = Server("grpc://127.0.0.1:0", path)
    said.put(server.port)
    server.serve()


def fetch(client, ticket, options=None):
    """Rows and seconds of one fetch."""
    start = time.perf_counter()
    reader = client.do_get(ticket, options)
    rows = sum(chunk.data.num_rows for chunk in reader)
    assert rows == ROWS, rows
    return time.perf_counter() - start


def main(program):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "rows.parquet")
        parquet.write_table(table(), path, row_group_size=1 << 20)
        said = multiprocessing.Queue()
        peer = multiprocessing.Process(target=serve_pyarrow, args=(path, said), daemon=True)
        peer.start()
        with open(os.path.join(folder, "causal.toml"), "w", encoding="utf-8") as config:
            config.write(f"init = \"CREATE TABLE held AS SELECT * FROM rows\"\n[tables]\nrows = \"{path}\"\n")
        ours = subprocess.Popen([program, "serve", "--listen", "127.0.0.1:0", "--config", config.name], stderr=subprocess.PIPE, text=True)
        try:
            compare(ours.stderr.readline().split()[-1], said.get())
        finally:
            ours.terminate()
            peer.terminate()


def compare(address, port):
    theirs = flight.FlightClient(f"grpc://127.0.0.1:{port}")
    client = flight.FlightClient(f"grpc://{address}")
    options = flight.FlightCallOptions(headers=[client.authenticate_basic_token("bench", "bench")])

    def ours(name):
        # CommandStatementQuery inside google.protobuf.Any, by hand: a text is a field of its length and bytes.
        sql = f"SELECT * FROM {name}".encode()
        command = b"\x0a" + bytes([len(sql)]) + sql
        kind = b"type.googleapis.com/arrow.flight.protocol.sql.CommandStatementQuery"
        any_ = b"\x0a" + bytes([len(kind)]) + kind + b"\x12" + bytes([len(command)]) + command
        info = client.get_flight_info(flight.FlightDescriptor.for_command(any_), options)
        return fetch(client, info.endpoints[0].ticket, options)

    runs = {"pyarrow, held": lambda: fetch(theirs, flight.Ticket(b"")), "causal, held": lambda: ours("held"), "causal, Parquet": lambda: ours("rows")}
    times = {name: [] for name in runs}
    for round_ in range(ROUNDS + 1):
        for name, run in runs.items():
            seconds = run()
            if round_ > 0:
                times[name].append(seconds)
    peer = statistics.median(times["pyarrow, held"])
    for name, seconds in times.items():
        middle = statistics.median(seconds)
        print(f"{name}: {middle:.3f} s ({min(seconds):.3f} to {max(seconds):.3f}), {ROWS / middle / 1e6:.2f} M rows/s, {peer / middle:.2f} of pyarrow's throughput")
    ratio = peer / statistics.median(times["causal, held"])
    print(f"{'enough' if ratio >= ENOUGH else 'too slow'}: {ratio:.2f} of pyarrow's throughput, asked {ENOUGH}")


main(sys.argv[1])
