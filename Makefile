# SPDX-License-Identifier: GPL-2.0-or-later
# The commands of the project. Each ends with one line that says how it went.
#   make build            the programs, in build/
#   make test             everything: gcc, and gcc and clang with sanitizers; unit, fuzz, search, simulation, lab (needs root)
#   make test ONLY=WORD   the tests whose suite or name has the word
#   make demo             a cluster in namespaces, shown failing over (needs root); PBX=asterisk with Asterisk, KEEP=1 leaves it up
#   make bench            measured side by side with keepalived, build/bench.json (needs root); BENCH_QUICK=1 for a smoke run, BENCH_ONLY=native for a part; its part uplink wants RINGKEEP_DPINGER=PROGRAM
#   make watchdog-vm      the hardware watchdog in a virtual machine, with Linux's driver and QEMU's device (two to three minutes)
#   make chaos            random faults against a live cluster (needs root); SEED=N, MINUTES=N (10), NODES=3 or 2
#   make chaos-broken     the same against daemons that are broken on purpose: it must see that
#   make install          to PREFIX (and DESTDIR)
SHELL := /bin/bash
BUILD := build
PREFIX ?= /usr/local
PYTHON := /usr/bin/python3
export RINGKEEP_BUILD := $(CURDIR)/$(BUILD)
export PYTHONDONTWRITEBYTECODE := 1

.PHONY: all build compile packages test demo bench chaos chaos-broken watchdog-vm install clean
all: build

packages:
	@tests/install-packages

compile: packages
	@[ -f $(BUILD)/build.ninja ] || meson setup $(BUILD) --prefix=$(PREFIX) >/dev/null
	@ninja -C $(BUILD) >$(BUILD)/ninja.log || { tail -30 $(BUILD)/ninja.log; exit 1; }

build: compile
	@echo "build: done, programs in $(BUILD)/agent and $(BUILD)/hactl"

test: packages
	@tests/run-all $(ONLY)

demo: compile
	@KEEP=$(KEEP) PBX=$(PBX) $(PYTHON) tests/lab/demo.py

bench: compile
	@$(PYTHON) tests/bench/bench.py

watchdog-vm:
	@$(PYTHON) tests/vm/watchdog_vm.py

chaos: compile
	@SEED=$(SEED) MINUTES=$(MINUTES) NODES=$(NODES) $(PYTHON) tests/chaos/chaos.py

chaos-broken: compile
	@ninja -C $(BUILD) tests/chaos/ringkeepd-never-shut tests/chaos/ringkeepd-forgetful >$(BUILD)/ninja.log || { tail -30 $(BUILD)/ninja.log; exit 1; }
	@$(PYTHON) tests/chaos/broken.py

install: compile
	@meson install -C $(BUILD) --no-rebuild >/dev/null
	@echo "install: done, under $(DESTDIR)$(PREFIX)"

clean:
	@rm -rf $(BUILD) build-asan-gcc build-asan-clang
	@echo "clean: done"
