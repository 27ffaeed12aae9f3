"""`make release`: wheel, source, SBOM and hashes in dist, after each was installed the way that people install it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qlikops import __version__

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
BIN = Path(sys.executable).parent
SBOM = "qlikops.cdx.json"
CONTAINERFILE = ROOT / "deploy" / "Containerfile"


def main() -> None:
    """Fails loudly if a part of the release cannot be made or used."""
    shutil.rmtree(DIST, ignore_errors=True)
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", DIST, ROOT])
    (wheel,) = DIST.glob("*.whl")
    with tempfile.TemporaryDirectory(prefix="qlikops-release-") as name:
        folder = Path(name)
        install(folder / "pipx", [BIN / "pipx", "install", "--python", sys.executable, wheel])
        install(folder / "uv", [BIN / "uv", "tool", "install", "--python", sys.executable, wheel])
        check_container(folder / "container")
    write_sbom()
    made = sorted(each for each in DIST.iterdir() if each.is_file())
    sums = [f"{hashlib.sha256(each.read_bytes()).hexdigest()}  {each.name}\n" for each in made]
    (DIST / "SHA256SUMS").write_text("".join(sums))
    say("".join(sums).rstrip())


def install(home: Path, command: list[str | Path]) -> None:
    """The command that is installed outside the tree says its version, and its help."""
    binaries = home / "bin"
    home.mkdir()
    places = {"PIPX_HOME": home, "PIPX_BIN_DIR": binaries, "UV_TOOL_DIR": home / "tools", "UV_TOOL_BIN_DIR": binaries}
    run(command, home, **places)
    use([binaries / "qlikops"], home)
    say(f"{Path(command[0]).name}: installed, and runs outside the tree")


def use(command: list[str | Path], folder: Path) -> None:
    """Ends everything unless the command knows its version and its commands."""
    version, commands = (run([*command, option], folder, HOME=folder) for option in ("--version", "--help"))
    if __version__ not in version or "approve" not in commands:
        raise SystemExit(f"{command} says\n{version}{commands}")


def check_container(folder: Path) -> None:
    """Builds the image if there is an engine; otherwise its COPY and RUN steps are done in a folder."""
    engine = next((found for name in ("podman", "docker") if (found := shutil.which(name))), None)
    folder.mkdir()
    if engine and subprocess.run([engine, "info"], capture_output=True, check=False).returncode == 0:
        run([engine, "build", "--file", CONTAINERFILE, "--tag", "qlikops-release-check", ROOT])
        use([engine, "run", "--rm", "qlikops-release-check"], folder)
        say("container: built, and runs")
        return
    source, opt = folder / "src", folder / "opt"
    source.mkdir()
    build, image = (list(steps(stage)) for stage in CONTAINERFILE.read_text().split("\nFROM ")[1:])
    if unknown := {instruction for instruction, _ in build} - {"WORKDIR", "COPY", "RUN"}:
        raise SystemExit(f"{CONTAINERFILE}: {unknown} cannot be done without an engine: do it in {__name__}, too")
    (entry,) = json.loads(dict(image)["ENTRYPOINT"])
    for instruction, rest in build:
        if instruction == "COPY":
            *names, target = shlex.split(rest)
            for name in names:
                place = source / target / (name if target == "./" else "")
                place.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
                copy(ROOT / name, place)
        elif instruction == "RUN":
            here = rest.replace("/opt/qlikops", str(opt)).replace("python -m venv", f"{sys.executable} -m venv")
            run(["sh", "-ec", here], source)
    use([opt / "bin" / entry], folder)
    say("container: no engine here; its steps were done in a folder, and the command runs")


def steps(text: str) -> Iterator[tuple[str, str]]:
    """The instructions of a Containerfile with their arguments."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        instruction, _, rest = line.strip().partition(" ")
        if instruction.isupper():
            yield instruction, rest


def write_sbom() -> None:
    """What is installed by the pins, in CycloneDX's form; without the address of any registry."""
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "--short-PURLs", "-o", str(DIST / SBOM)]
    run([BIN / "cyclonedx-py", "requirements", "requirements/local.txt", *options])
    found = json.loads((DIST / SBOM).read_text())
    found["metadata"]["component"]["version"] = __version__
    for component in found["components"]:
        component.pop("description", None)
        component["externalReferences"] = [
            {**each, "url": f"pkg:pypi/{component['name']}@{component.get('version', '')}"}
            for each in component.get("externalReferences", [])
        ]
    (DIST / SBOM).write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    hashed = sum(1 for each in found["components"] if each["externalReferences"])
    say(f"SBOM: {len(found['components'])} packages, {hashed} with hashes")


def run(command: list[str | Path], folder: Path = ROOT, **environment: str | Path) -> str:
    """Standard output; ends everything, with both outputs, if the command fails."""
    env = os.environ | {name: str(value) for name, value in environment.items()}
    done = subprocess.run(list(map(str, command)), cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{shlex.join(map(str, command))} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def say(text: str) -> None:
    """One line of what was done."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
