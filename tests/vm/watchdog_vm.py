# SPDX-License-Identifier: GPL-2.0-or-later
"""ringkeep-watchdog with Linux's own i6300esb driver and QEMU's device, in a virtual machine without KVM. Prints a table; fails if a scene ends
otherwise than it must. Not part of `make test`: two to three minutes, and a kernel package of 70 MB, unpacked once into ~/.cache/ringkeep."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
FENCING, LIB = HERE.parent.parent / "fencing", HERE.parent.parent / "lib"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "ringkeep"
FILES = ("vmlinuz", "watchdog.ko", "i6300esb.ko")
LIMIT_S = 100
TIMEOUT_S, GRACE_S, STEP_S = 4, 2, 0.2
# scene, more for the kernel's command line, ends in a reset after so many seconds or (None) not at all
SCENES = (
    ("agent hangs", "scene=hang", TIMEOUT_S),
    ("feeder killed", "scene=killed", TIMEOUT_S),
    ("agent leaves, nobody follows", "scene=left", TIMEOUT_S + GRACE_S),
    ("fed for 8 s, then a clean stop", "scene=stop", None),
    ("clean stop, nowayout", "scene=stop nowayout", None),
)


def kernel():
    """The kernel and its two modules, from Debian's package."""
    if all((CACHE / name).exists() for name in FILES):
        return
    CACHE.mkdir(parents=True, exist_ok=True)
    depends = subprocess.run(["apt-cache", "depends", "linux-image-amd64"], capture_output=True, text=True, check=True).stdout
    package = next(word for word in depends.split() if word.startswith("linux-image-"[:12]) and word[12:13].isdigit())
    with tempfile.TemporaryDirectory(dir=CACHE) as place:
        if not list(CACHE.glob(f"{package}_*.deb")):
            subprocess.run(["apt-get", "-qq", "download", package], cwd=CACHE, check=True)
        subprocess.run(["dpkg-deb", "-x", next(CACHE.glob(f"{package}_*.deb")), place], check=True)
        found = {"vmlinuz": next(pathlib.Path(place).glob("boot/vmlinuz-*"))}
        found |= {name: next(pathlib.Path(place).rglob(name)) for name in FILES[1:]}
        for name, path in found.items():
            shutil.copy(path, CACHE / name)
    for deb in CACHE.glob("linux-image-*.deb"):
        deb.unlink()


def archive(files):
    """A cpio archive (newc) for the kernel: name -> (mode, bytes)."""
    out = bytearray()
    for number, (name, (mode, data)) in enumerate([*files.items(), ("TRAILER!!!", (0, b""))], 1):
        fields = [number, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0]
        out += b"070701" + b"".join(b"%08x" % f for f in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + data
        out += bytes(-len(out) % 4)
    return bytes(out)


def initramfs(place):
    compiler = ["gcc", "-static", "-O2", "-std=gnu17", "-D_GNU_SOURCE", f"-I{FENCING}", f"-I{LIB}"]
    subprocess.run([*compiler, HERE / "watchdog_guest.c", FENCING / "watchdog.c", LIB / "child_spawn.c", "-o", place / "init"], check=True)
    subprocess.run([*compiler, FENCING / "watchdog_main.c", "-o", place / "ringkeep-watchdog"], check=True)
    files = {name: (0o100755, (place / name).read_bytes()) for name in ("init", "ringkeep-watchdog")}
    files |= {name: (0o100644, (CACHE / name).read_bytes()) for name in FILES[1:]}
    files["dev"] = (0o040755, b"")
    (place / "initramfs").write_bytes(archive(files))


def run(place, more, boots=1):
    """(lines with the time they came, time of the end). The machine ends at its first reset, or with the second boot's report."""
    command = ["qemu-system-x86_64", "-M", "pc", "-accel", "tcg", "-cpu", "max", "-m", "256", "-nographic", "-nodefaults", "-no-user-config",
               "-serial", "stdio", "-device", "i6300esb", "-action", "watchdog=reset", "-kernel", CACHE / "vmlinuz", "-initrd", place / "initramfs",
               "-append", f"console=ttyS0 quiet panic=-1 {more}", *(["-no-reboot"] if boots == 1 else [])]
    lines, reports = [], 0
    with subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, errors="replace") as vm:
        kill = subprocess.Popen(["sh", "-c", f"sleep {LIMIT_S}; kill -9 {vm.pid}"])  # a machine that hangs ends as well
        try:
            for line in vm.stdout:
                if "GUEST" in line:
                    lines.append((time.monotonic(), line[line.index("GUEST"):].strip()))
                    reports += " armed: " in line
                    if reports == 2:
                        vm.kill()
            vm.wait()
            return lines, time.monotonic()
        finally:
            kill.kill()
            kill.wait()
            vm.kill()


def judge(more, lines, ended, reset_s):
    text = "\n".join(line for _, line in lines)
    if not any("armed: armed (" in line for _, line in lines):
        return None, f"the device was never armed:\n{text}"
    if "nowayout" in more and "stop: unattended" not in text:
        return None, f"the feeder did not go on:\n{text}"
    if reset_s is None:
        return None, "" if "GUEST survived" in text else f"it was reset:\n{text}"
    last = next((t for t, line in lines if line == "GUEST last round"), None)
    if last is None or "GUEST survived" in text:
        return None, f"it was not reset:\n{text}"
    took_s = ended - last
    return took_s, "" if reset_s - STEP_S - 0.3 <= took_s <= reset_s + STEP_S + 1.5 else f"reset after {took_s:.2f} s:\n{text}"


def main():
    if not shutil.which("qemu-system-x86_64"):
        sys.exit("watchdog-vm: install qemu-system-x86")
    kernel()
    failed, begun = 0, time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        initramfs(place)
        for scene, more, reset_s in SCENES:
            lines, ended = run(place, more)
            took_s, wrong = judge(more, lines, ended, reset_s)
            failed += bool(wrong)
            result = wrong or (f"reset after {took_s:.2f} s" if took_s else "no reset")
            print(f"{scene:30} must be {f'{reset_s} s' if reset_s else 'no reset':9} {result}", flush=True)
        lines, _ = run(place, "scene=hang", boots=2)
        second = [line for _, line in lines if " armed: " in line][1:]
        print(f"second boot after a reset: {second[0] if second else lines}")
        failed += not (second and "card reset 1" in second[0])
    print(f"watchdog-vm: {'FAILED' if failed else 'done'}, {time.monotonic() - begun:.0f} s, load {os.getloadavg()[0]:.1f}")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
