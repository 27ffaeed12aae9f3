"""Builds the wheel and the Lambda bundle and uses both outside the source tree. Run by `make packages`."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from pathlib import Path

from qlikops.deployment.bundle import build_bundle

ROOT = Path(__file__).parents[1]
HANDLERS = (
    "monitor_tasks",
    "evaluate_proposal",
    "request_approval",
    "execute_restart",
    "record_outcome",
    "generate_report",
)
RUNTIME = ("boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "six.py", "urllib3")
"""What the Lambda runtime brings."""

USE_WHEEL = """
import pathlib, qlikops
from qlikops.deployment.bundle import build_bundle
from qlikops.deployment.definition import read_definition
from qlikops.resources import resource
package = pathlib.Path(qlikops.__file__).parent
assert {site!r} in str(package), package
for path in (resource("statemachine", "state_machine.json"), resource("deploy", "template.yaml")):
    assert package in path.parents, path
assert "QlikMonitor-MonitorTasks" in read_definition()
assert build_bundle().sha256 == {bundle!r}, "the wheel makes another bundle than the checkout"
"""
IMPORT_HANDLERS = """
import importlib, sys
for name in {handlers!r}:
    module = importlib.import_module("qlikops.agent.handlers." + name)
    assert module.__file__.startswith({folder!r}), module.__file__
    assert callable(module.handler)
foreign = {{name.partition(".")[0] for name in sys.modules}} & {{"textual", "rich", "typer", "keyring", "platformdirs"}}
assert not foreign, foreign
"""


def main() -> None:
    """Fails loudly where a built package does not work on its own."""
    with tempfile.TemporaryDirectory(prefix="qlikops-packages-") as name:
        folder = Path(name)
        bundle = build_bundle()
        check_bundle(bundle.data, folder / "bundle")
        check_wheel(folder, bundle.sha256)


def check_bundle(data: bytes, folder: Path) -> None:
    """Every handler imports from the bundle with nothing but what the Lambda runtime brings."""
    code, runtime = folder / "code", folder / "runtime"
    runtime.mkdir(parents=True)
    archive = folder / "bundle.zip"
    archive.write_bytes(data)
    with zipfile.ZipFile(archive) as zipped:
        zipped.extractall(code)
    for package in RUNTIME:
        source = Path(sysconfig.get_path("purelib")) / package
        if source.exists():
            (runtime / package).symlink_to(source)
    script = IMPORT_HANDLERS.format(handlers=HANDLERS, folder=str(code))
    # -S: no site-packages, so that a missing dependency is missing.
    run([sys.executable, "-S", "-c", script], folder, PYTHONPATH=os.pathsep.join(map(str, (code, runtime))))
    say(f"bundle: {len(data):,} bytes, {len(HANDLERS)} handlers import on their own")


def check_wheel(folder: Path, bundle: str) -> None:
    """The wheel, installed elsewhere, has its command, its data files, and makes the same bundle."""
    dist = folder / "dist"
    run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(dist), str(ROOT)], folder)
    (wheel,) = dist.glob("*.whl")
    home = folder / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    run([str(python), "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", str(wheel)], folder)
    (site,) = home.glob("lib/python*/site-packages")
    # What qlikops needs comes from where this runs; sorted after its own files, so that those win.
    (site / "zz-pinned.pth").write_text(sysconfig.get_path("purelib") + "\n")
    run([str(python), "-c", USE_WHEEL.format(site=str(site), bundle=bundle)], folder)
    command = str(home / "bin" / "qlikops")
    version = run([command, "--version"], folder)
    commands = run([command, "--help"], folder)
    if "demo" not in commands or "approve" not in commands:
        raise SystemExit(f"qlikops --help misses commands:\n{commands}")
    say(f"wheel: {wheel.name}, {version.strip()}, runs outside the source tree")


def run(command: list[str], folder: Path, **environment: str) -> str:
    """Standard output; ends everything, with both outputs, if the command fails. Knows nothing of the source tree."""
    clean = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "COLUMNS": "100", **environment}
    done = subprocess.run(command, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def say(text: str) -> None:
    """One line of what was checked."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
