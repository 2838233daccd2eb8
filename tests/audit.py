"""Have the installed packages known advisories? `make lint` asks, and fails if so.

Where no advisory service answers, as without a network or behind a mirror of the package index, it says so and passes.
"""

import json
import subprocess
import sys
import tempfile
from importlib.metadata import version

PROBE = "gradio"
"""The package that is asked for first, alone: where the service does not know it, nobody is asked for the others."""
UNANSWERED = "Advisories: no service answered here, so the packages were not checked."


def pip_audit(*arguments: str) -> list[dict]:
    """What pip-audit says of each package, {"name", "version", "vulns"} or {"name", "skip_reason"}; [] if nothing."""
    command = [sys.executable, "-m", "pip_audit", "--progress-spinner", "off", "--timeout", "10", "-f", "json"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)["dependencies"]
    except ValueError:
        return []


def ask_first() -> list[dict]:
    """What the service says of the probe."""
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write(f"{PROBE}=={version(PROBE)}\n")
        file.flush()
        return pip_audit("--no-deps", "--disable-pip", "-r", file.name)


def main() -> int:
    known = [package for package in ask_first() if "vulns" in package]
    if known:
        known = [package for package in pip_audit("--local") if "vulns" in package]
    if not known:
        print(UNANSWERED)
        return 0
    found = [(package, advisory) for package in known for advisory in package["vulns"]]
    for package, advisory in found:
        mended = ", ".join(advisory["fix_versions"]) or "no version yet"
        print(f"Advisory {advisory['id']}: {package['name']} {package['version']}, mended in {mended}.")
    print(f"Advisories: {len(known)} packages checked, {len(found)} found.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
