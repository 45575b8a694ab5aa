"""The audit of the dependencies fails for what is known to be vulnerable, and only for that."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOUND = {"name": "sound", "version": "1", "vulns": []}
SKIPPED = {"name": "skipped", "skip_reason": "not found"}
VULNERABLE = {"name": "broken", "version": "2", "vulns": [{"id": "PYSEC-1", "fix_versions": ["3"]}]}


@pytest.mark.parametrize(
    ("packages", "error", "code", "said"),
    [
        ([SOUND, SKIPPED], "", 0, "no known vulnerability in 1 packages, of 2"),
        ([SOUND, VULNERABLE], "Found 1 known vulnerability", 1, "broken 2 has PYSEC-1; fixed in: 3"),
        ([SKIPPED], "", 0, "no database of vulnerabilities could be reached"),
        (None, "Could not connect to the vulnerability feed", 0, "no database of vulnerabilities could be reached"),
        (None, "invalid requirements input: x", 1, "cannot be audited: invalid requirements input: x"),
        (None, "No module named pip_audit", 1, "cannot be audited: No module named pip_audit"),
    ],
)
def test_the_audit_fails_for_vulnerabilities_and_not_for_the_network(tmp_path, packages, error, code, said):
    answer = "" if packages is None else json.dumps({"dependencies": packages})
    fake = f"import sys\nsys.stderr.write({error!r})\nsys.stdout.write({answer!r})\nsys.exit({code})\n"
    (tmp_path / "pip_audit.py").write_text(fake)
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "audit.py"), "requirements.lock"],
        env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code
    assert said in done.stdout


def test_every_locked_package_has_a_version_and_hashes_and_no_address():
    packages = re.split(r"\n(?=\S)", (ROOT / "requirements.lock").read_text().strip())
    locked = [package for package in packages if not package.startswith("#")]
    assert len(locked) > 100
    for package in locked:
        first, *hashes = package.split(" \\\n")
        assert re.fullmatch(r"[\w.-]+==[\w.!+]+( ; .+)?", first)
        assert hashes
        assert all(re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", one) for one in hashes)
