# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the built programs are: RINGKEEP_BUILD, or build/ of this tree."""
import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]
BUILD = pathlib.Path(os.environ.get("RINGKEEP_BUILD", ROOT / "build"))
LAB = ROOT / "tests" / "lab"


def tool(name):
    """A tool of the lab."""
    path = BUILD / "tests" / "lab" / "tools" / name
    if not path.exists():
        raise RuntimeError(f"{path} is not built: run `make build` first")
    return str(path)


def program(folder, name):
    """A program of ringkeep, for example program("agent", "ringkeepd")."""
    return str(BUILD / folder / name)


def fetched(folder, *words, timeout_s):
    """What the folder's `fetch` has unpacked, downloaded if it is not there yet."""
    done = subprocess.run([LAB / folder / "fetch", *words], capture_output=True, text=True, timeout=timeout_s)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join((folder, *words))} cannot be had: {done.stderr.strip()}")
    return pathlib.Path(done.stdout.strip())
