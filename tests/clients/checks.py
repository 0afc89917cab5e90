"""What the suites share: one line for each check, and an end at the first that fails."""

import sys
import time
import traceback
from contextlib import contextmanager

# Long enough that nothing but a cancel or a deadline ends it in a test.
SLOW = "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.value * b.value = -1"

# The value of each policy by the doubly robust estimator; `dr_by_hand` says it again without the server.
DR = """
SELECT policy, dr_policy_value(value - cost, propensity, target_prob, q_value_logged - q_cost_logged,
                               q_value_target - q_cost_target) AS value
FROM decisions AS d JOIN policies AS p ON d.decision_id = p.decision_id GROUP BY policy ORDER BY policy
"""
DR_ROWS = """
SELECT policy, value - cost AS reward, propensity, target_prob, q_value_logged - q_cost_logged AS q_logged,
       q_value_target - q_cost_target AS q_target
FROM decisions AS d JOIN policies AS p ON d.decision_id = p.decision_id
"""


def dr_by_hand(rows):
    """The mean of q_target + target_prob / propensity * (reward - q_logged) by policy, of rows as tuples."""
    sums = {}
    for policy, reward, propensity, target_prob, q_logged, q_target in rows:
        total, count = sums.get(policy, (0.0, 0))
        value = q_target + target_prob / propensity * (reward - q_logged)
        sums[policy] = (total + value, count + 1)
    return {policy: total / count for policy, (total, count) in sorted(sums.items())}


def near(value, expected, tolerance=1e-9):
    """Fails unless two numbers are the same up to rounding."""
    assert abs(value - expected) <= tolerance * max(1.0, abs(expected)), f"expected {expected!r}, got {value!r}"


def equal(value, expected):
    assert value == expected, f"expected {expected!r}, got {value!r}"


@contextmanager
def within(seconds):
    """Fails when what is done takes longer."""
    start = time.monotonic()
    yield
    taken = time.monotonic() - start
    assert taken < seconds, f"expected less than {seconds} s, took {taken:.2f} s"


class Checks:
    """The checks of a suite, in the order in which they are written."""

    def __init__(self, client):
        self.client = client
        self.all = []

    def __call__(self, function):
        self.all.append(function)
        return function

    def run(self, *arguments):
        for function in self.all:
            name = function.__name__.replace("_", " ")
            start = time.monotonic()
            try:
                said = function(*arguments)
            except Exception as error:
                traceback.print_exc()
                print(f"{self.client}: {name}: FAILED: {error}", flush=True)
                sys.exit(1)
            text = f" ({said})" if said else ""
            print(f"{self.client}: {name}: ok in {time.monotonic() - start:.2f} s{text}", flush=True)
        print(f"{self.client}: {len(self.all)} passed", flush=True)
