"""Looks for known vulnerabilities of the locked packages: python .ci/audit.py requirements.lock.

Fails for a vulnerability, and where the audit itself does. Where no database of vulnerabilities can be reached, it says
so and passes: what is installed is then known by the hashes of the lock alone.
"""

import json
import re
import subprocess
import sys

SECONDS = 300

UNREACHABLE = re.compile(r"connect|resolve host|timed out|no answer|proxy|certificate", re.IGNORECASE)
"""What is said where it is the network that fails."""


def audited(lock: str) -> tuple[list[dict], str]:
    """Ask pip-audit about the packages of a lock.

    Returns:
        What it says of each package, and what it says beside that.
    """
    command = [sys.executable, "-m", "pip_audit", "--requirement", lock, "--require-hashes", "--disable-pip"]
    command += ["--progress-spinner", "off", "--format", "json"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        return json.loads(done.stdout)["dependencies"], done.stderr
    except subprocess.TimeoutExpired:
        return [], f"no answer in {SECONDS} seconds"
    except (ValueError, KeyError):
        return [], done.stderr


def main(lock: str) -> int:
    """Print what is known, and return the exit code: 1 for a vulnerability or an audit that fails."""
    packages, said = audited(lock)
    last = said.strip().rpartition("\n")[2]
    if not packages and not UNREACHABLE.search(last):
        print(f"audit: {lock} cannot be audited: {last[:500]}")
        return 1
    known = [package for package in packages if "vulns" in package]
    vulnerable = [(package, found) for package in known for found in package["vulns"]]
    for package, found in vulnerable:
        fixed = ", ".join(found["fix_versions"]) or "none"
        print(f"audit: {package['name']} {package['version']} has {found['id']}; fixed in: {fixed}")
    if vulnerable:
        return 1
    if known:
        print(f"audit: no known vulnerability in {len(known)} packages, of {len(packages)}")
    else:
        print("audit: no database of vulnerabilities could be reached; only hashes were checked, at the installation")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
