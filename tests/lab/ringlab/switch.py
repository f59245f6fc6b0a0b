# SPDX-License-Identifier: GPL-2.0-or-later
"""A power switch that is the test itself (its fence agent: fence/switch), and the configuration of a cluster that has it."""
import threading
import time

from .paths import LAB


class Switch:
    """Turns machines off and on as the fence agent `switch` orders it."""

    def __init__(self, lab, power_off=None):
        """power_off: what takes a node's power, by default just that."""
        self.lab, self.orders = lab, []  # (monotonic time, name, "on" or "off")
        self._power_off = power_off or (lambda node: node.power_off())
        self.dir = lab.root / "switch"
        self.dir.mkdir()
        self._over = threading.Event()
        for node in lab.pbx_nodes:
            self.tell(node)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def tell(self, node):
        new = self.dir / f"{node.name}.new"
        new.write_text("on" if node.up() else "off")
        new.rename(self.dir / f"{node.name}.power")

    def fault(self, what=""):
        """Until it is told otherwise it refuses, hangs, or lies: says-off (whatever is asked, and does nothing), says-on, inverted (of the state),
        crossed (n1 and n2 are exchanged)."""
        (self.dir / "fault").write_text(what)

    def _run(self):
        while not self._over.wait(0.02):
            for node in self.lab.pbx_nodes:
                order = self.dir / f"{node.name}.order"
                if order.exists():
                    what = order.read_text().strip()
                    order.unlink()
                    self.orders.append((time.monotonic(), node.name, what))
                    if what == "off":
                        self._power_off(node)
                self.tell(node)

    def shots(self, node=None):
        return [o for o in self.orders if o[2] == "off" and (node is None or o[1] == node.name)]

    def close(self):
        self._over.set()
        self._thread.join(10)


LEVELS = {  # what devices a node has, one after the other or together; all of them are the same switch
    "one": (["switch"], [["switch"]]), "two levels": (["switch", "second"], [["switch"], ["second"]]),
    "two of one level": (["switch", "second"], [["switch", "second"]])}


def settings(switch_dir, two_node=False, policy="after", delay="", levels="one"):
    names, of_levels = LEVELS[levels]
    devices = "\n".join(_device(name, switch_dir) for name in names)
    level = "\n".join(f"    fence-level {n} {{ devices = {{ {', '.join(together)} }} }}" for n, together in enumerate(of_levels, 1))
    return {"fence_devices": devices + ("\ntwo-node = fenced" if two_node else ""), "fence_levels": {"n1": level + "\n" + delay, "n2": level + "\n" + delay},
            "group": f"damping-penalty = 0\n    fence = {policy}"}


def _device(name, switch_dir):
    return f"""fence-device {name} {{
    agent = "{LAB / 'fence' / 'switch'}"
    parameters = {{ "dir={switch_dir}" }}
    off-timeout = 5s
    status-timeout = 5s
    monitor-interval = 5s
    retries = 0
    target n1 {{ plug = n1 }}
    target n2 {{ plug = n2 }}
}}"""
