"""Figures and how they are written: medians, percentiles, and ratios of pairs taken in turn."""
import statistics
import time


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def alternate(rounds, ours, theirs):
    """Runs the two in turn, changing who goes first, and returns both lists of figures."""
    mine, other = [], []
    for number in range(rounds):
        first, second = ((mine, ours), (other, theirs)) if number % 2 == 0 else ((other, theirs), (mine, ours))
        for figures, run in (first, second):
            figures.append(run(number))
    return mine, other


def spread(values, unit=""):
    return (f"{statistics.median(values):.0f}{unit} (min {min(values):.0f}, p90 {percentile(values, 0.9):.0f}, "
            f"max {max(values):.0f}, n={len(values)})")


def ratio(mine, other):
    return statistics.median(mine) / statistics.median(other)


def memory_at_rest(service):
    """Megabytes of a running Service once nothing was asked of it for a while: what a start or a request needed goes back every 5 s."""
    time.sleep(12)
    return service.memory()


class Results:
    """Rows of the table in RESULTS.md."""

    def __init__(self):
        self.rows = []

    def add(self, what, ours, against, result, goal, met):
        self.rows.append((what, ours, against, result, goal, "yes" if met else "**no**"))
        print(f"{what}: {ours} | against {against} | {result} | goal {goal} | {'met' if met else 'NOT MET'}", flush=True)
