"""Make the environment from a lock file: `install.py VENV LOCK`. Standard library alone: it runs before anything is there.

uv does the work, for speed, with the index, certificates and wheel folders that pip is set up with. A second call with
the same lock file does nothing. What is installed is written to a stamp in the environment.
"""

from __future__ import annotations

import ast
import hashlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
UV_LOCK = ROOT / "requirements-uv.lock"
# pip's options and what uv calls them.
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "no-index": "UV_NO_INDEX",
}


def main(venv: Path, lock: Path) -> int:
    """Install a lock file into an environment; the exit code."""
    stamp = venv / f".{lock.stem}.stamp"
    wanted = fingerprint(lock)
    if stamp.exists() and stamp.read_text() == wanted:
        return 0
    began = time.monotonic()
    say(f"installing {lock.name} into {venv} (Python {sys.version.split()[0]})")
    python = venv / "bin" / "python"
    if not works(python, f"import sys; assert sys.version_info[:2] == {sys.version_info[:2]}"):
        make_venv(venv)
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    pip = (
        [str(python), "-m", "pip"]
        if works(python, "import pip")
        else [sys.executable, "-m", "pip", "--python", str(python)]
    )
    run([*pip, "install", "--quiet", "--require-hashes", "--no-deps", "-r", str(UV_LOCK)], environ)
    uv = [str(venv / "bin" / "uv"), "pip", "install", "--quiet", "--python", str(python)]
    words = ["--compile-bytecode", "--require-hashes", "--no-deps", "-r", str(lock)]
    run([*uv, *words], uv_environment(environ, pip_options(pip, environ)))
    link_project(venv, python)
    stamp.write_text(wanted)
    say(f"installed in {time.monotonic() - began:.0f} s")
    return 0


def fingerprint(lock: Path) -> str:
    """What a stamp must say for the environment to be taken as it is."""
    digest = hashlib.sha256(lock.read_bytes()).hexdigest()
    return f"{digest}\n{ROOT}\n{sys.version}\n"


def say(text: str) -> None:
    """Tell the user."""
    print(f"tidemark: {text}", flush=True)


def works(python: Path, statement: str = "pass") -> bool:
    """Whether an interpreter is there and runs a statement."""
    return (
        python.exists() and subprocess.run([python, "-c", statement], capture_output=True, check=False).returncode == 0
    )


def make_venv(venv: Path) -> None:
    """Make the environment; where Debian has split off ensurepip, with the pip that is there."""
    shutil.rmtree(venv, ignore_errors=True)
    base = [sys.executable, "-m"]
    done = subprocess.run([*base, "venv", str(venv)], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return
    has_pip = subprocess.run([*base, "pip", "--version"], capture_output=True, check=False).returncode == 0
    bare = subprocess.run([*base, "venv", "--clear", "--without-pip", str(venv)], capture_output=True, check=False)
    if has_pip and bare.returncode == 0:
        return
    shutil.rmtree(venv, ignore_errors=True)
    version = "{}.{}".format(*sys.version_info[:2])
    sys.exit(
        f"tidemark: {sys.executable} cannot make environments: it has neither venv nor pip.\n"
        f"tidemark: on Debian and Ubuntu: apt install python{version}-venv; or set PYTHON to another Python.\n"
        f"{done.stderr.strip() or done.stdout.strip()}"
    )


def pip_options(pip: list[str], environ: dict[str, str]) -> dict[str, str]:
    """pip's own settings, from its files and its environment: the environment wins, then `[install]`, then `[global]`."""
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True, check=False, env=environ).stdout
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in listed.splitlines():
        name, separator, value = line.partition("=")
        section, _, option = name.rpartition(".")
        if separator and section in sections:
            sections[section][option] = str(ast.literal_eval(value))
    return {**sections["global"], **sections["install"], **sections[":env:"]}


def uv_environment(environ: dict[str, str], options: dict[str, str]) -> dict[str, str]:
    """uv's environment with pip's settings; what the user has set for uv itself wins."""
    result = dict(environ)
    # pip trusts the machine's certificates, uv brings its own.
    result.setdefault("UV_SYSTEM_CERTS", "true")
    own_index = {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environ.keys()
    for option, name in PIP_TO_UV.items():
        value = " ".join(options.get(option, "").split())
        if not value or name in environ or (name == "UV_DEFAULT_INDEX" and own_index):
            continue
        if option == "find-links":
            # uv takes commas, and stops at a folder that is not there.
            places = [place for place in value.split() if "://" in place or Path(place).is_dir()]
            value = ",".join(places)
        if value:
            result[name] = value
    return result


def link_project(venv: Path, python: Path) -> None:
    """Make the project importable from the environment, and `VENV/bin/tidemark` its command."""
    query = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", query], capture_output=True, text=True, check=True).stdout.strip()
    (Path(site) / "tidemark.pth").write_text(f"{ROOT}\n")
    command = venv / "bin" / "tidemark"
    command.write_text('#!/bin/sh\nexec "$(dirname "$(readlink -f "$0")")/python" -m orchestration "$@"\n')
    command.chmod(0o755)


def run(command: list[str], environ: dict[str, str]) -> None:
    """Run a program; its failure ends the installation with its own words above ours."""
    if code := subprocess.run(command, env=environ, check=False).returncode:
        sys.exit(f"tidemark: installing failed: {Path(command[0]).name} ended with code {code}")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).resolve()))
