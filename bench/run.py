"""make bench: every measurement, or those named by --only; writes bench/RESULTS.md."""
import argparse
import datetime
import os
import pathlib
import platform

from bench import api, deploy, ingress, logs, projects, transfer
from bench.measure import Results

SECTIONS = {
    "push": deploy.push_and_configure,
    "ingress": ingress.proxies,
    "transfer": transfer.large_push,
    "rollback": deploy.rollback,
    "changes": deploy.changes_under_load,
    "memory": deploy.resident_memory,
    "projects": projects.projects,
    "api": api.api,
    "cli": api.cli,
    "logs": logs.logs,
}


def processor():
    names = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    return f"{len(names)} × {names[0] if names else platform.machine()}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="comma-separated: " + ", ".join(SECTIONS))
    chosen = parser.parse_args().only
    target = pathlib.Path(__file__).parent / ("RESULTS.md" if not chosen else "RESULTS.partial.md")
    head = ["# Results of `make bench`", "",
            f"{datetime.date.today()}, {processor()}, {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') >> 30} GiB, Linux {platform.release()}. "
            "Both sides of a row ran in the same run, in turn; the ratio is the figure, the times are only of this machine.", "",
            "| what | PaaSTech | against | ratio | goal | met |", "|---|---|---|---|---|---|"]
    results = Results()
    for name, section in SECTIONS.items():
        if chosen and name not in chosen.split(","):
            continue
        section(results)
        rows = ["| " + " | ".join(row) + " |" for row in results.rows]
        target.write_text("\n".join(head + rows) + "\n")  # at once, for a later section may fail
    print(f"written to {target}")


if __name__ == "__main__":
    main()
