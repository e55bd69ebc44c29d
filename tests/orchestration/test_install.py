"""Finding a Python and installing from the lock: what is taken from pip's settings, and what is said when it fails."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def install() -> ModuleType:
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_uv_is_given_what_pip_is_set_up_with(install: ModuleType, tmp_path: Path) -> None:
    options = {
        "index-url": "https://index.example/simple",
        "extra-index-url": "https://one.example/simple\nhttps://two.example/simple",
        "trusted-host": "index.example",
        "find-links": f"{tmp_path} /no/such/folder",
        "cert": "/etc/ca.pem",
        "timeout": "99",
    }
    env = install.uv_environment({"HOME": "/home/me"}, options)
    assert env["UV_DEFAULT_INDEX"] == "https://index.example/simple"
    assert env["UV_INDEX"] == "https://one.example/simple https://two.example/simple"
    assert env["UV_INSECURE_HOST"] == "index.example"
    assert env["UV_FIND_LINKS"] == str(tmp_path), "uv stops at a folder that is not there"
    assert env["SSL_CERT_FILE"] == "/etc/ca.pem"
    assert env["UV_HTTP_TIMEOUT"] == "99"
    assert env["HOME"] == "/home/me"


def test_what_is_set_for_uv_itself_wins(install: ModuleType) -> None:
    options = {"index-url": "https://pip.example/simple", "cert": "/etc/pip.pem"}
    own = {"UV_INDEX_URL": "https://uv.example/simple", "SSL_CERT_FILE": "/etc/uv.pem"}
    env = install.uv_environment(own, options)
    assert "UV_DEFAULT_INDEX" not in env
    assert env["SSL_CERT_FILE"] == "/etc/uv.pem"


def test_pips_own_order_of_settings(install: ModuleType, tmp_path: Path) -> None:
    config = tmp_path / "pip.conf"
    config.write_text(
        "[global]\nindex-url = https://global.example/simple\ntrusted-host = a.example\n"
        "[install]\nindex-url = https://install.example/simple\n"
    )
    pip = [sys.executable, "-m", "pip"]
    env = {k: v for k, v in os.environ.items() if not k.startswith("PIP_")} | {"PIP_CONFIG_FILE": str(config)}
    assert install.pip_options(pip, env)["index-url"] == "https://install.example/simple"
    assert install.pip_options(pip, env)["trusted-host"] == "a.example"
    env["PIP_INDEX_URL"] = "https://env.example/simple"
    assert install.pip_options(pip, env)["index-url"] == "https://env.example/simple"


def test_a_second_call_does_nothing_and_another_lock_does(install: ModuleType, tmp_path: Path) -> None:
    lock = tmp_path / "some.lock"
    lock.write_text("a==1\n")
    venv = tmp_path / "venv"
    venv.mkdir()
    (venv / ".some.stamp").write_text(install.fingerprint(lock))
    assert install.main(venv, lock) == 0
    assert [path.name for path in venv.iterdir()] == [".some.stamp"]
    before = install.fingerprint(lock)
    lock.write_text("a==2\n")
    assert install.fingerprint(lock) != before


def find_python(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), "VENV": "/no/such/venv"}
    return subprocess.run(
        [ROOT / "scripts" / "find-python", *words], capture_output=True, text=True, env=clean | env, check=False
    )


def fake_python(folder: Path, version: tuple[int, int]) -> Path:
    """An interpreter that says it is of another version."""
    path = folder / f"python{version[0]}.{version[1]}"
    shown = f"import sys; sys.version_info = ({version[0]}, {version[1]}, 0, 'final', 0); exec(sys.stdin.read())"
    path.write_text(f'#!/bin/sh\nshift\nexec "{sys.executable}" -c "{shown}" "$@"\n')
    path.chmod(0o755)
    return path


def test_the_python_named_by_hand_is_taken_or_refused(tmp_path: Path) -> None:
    found = find_python(PYTHON=sys.executable)
    assert (found.returncode, Path(found.stdout.strip())) == (0, Path(sys.executable))
    refused = find_python(PYTHON=str(fake_python(tmp_path, (3, 10))))
    assert refused.returncode == 2
    assert "not a Python of version 3.11 or 3.12" in refused.stderr
    assert find_python(PYTHON="/no/such/python").returncode == 2


def test_without_a_python_it_names_the_package() -> None:
    absent = find_python("3.99")
    assert absent.returncode == 2
    assert "apt install python3.99 python3.99-venv" in absent.stderr


def test_a_python_without_venv_and_pip_names_the_package(
    install: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = tmp_path / "python3"
    bare.write_text("#!/bin/sh\necho 'No module named venv' >&2\nexit 1\n")
    bare.chmod(0o755)
    monkeypatch.setattr(install.sys, "executable", str(bare))
    with pytest.raises(SystemExit, match=r"apt install python3\.1[12]-venv"):
        install.make_venv(tmp_path / "venv")
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock", "requirements-uv.lock"])
def test_locks_hold_exact_versions_with_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    assert "--index-url" not in text
    for package in re.split(r"\n(?=\S)", text.strip()):
        name = package.split()[0]
        if not name.startswith("#"):
            assert re.fullmatch(r"[A-Za-z0-9._-]+(\[[a-z0-9,_-]+\])?==[^ ]+", name), name
            assert "--hash=sha256:" in package, name


def test_the_build_machine_calls_make_test() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert "make test" in script.read_text()
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
