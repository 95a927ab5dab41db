# SPDX-License-Identifier: GPL-2.0-or-later
# The few commands of the project. Meson builds; this sets the machine up and calls it.
MAKEFLAGS += --no-print-directory
BUILD := build
PYTHON := /usr/bin/python3

.PHONY: all build demo bench bench-cost bench-failover bench-latency bench-restart bench-scale bench-selection bench-silent test fuzz model lab lab-vm lab-shell setup install clean help

all: build

help: ## what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

setup: ## install what building, testing and the lab need (apt; root)
	@lab/setup

build: setup ## build iovteamd, iovteam and the lab's tools into build/
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) --werror
	@ninja -C $(BUILD)
	@ln -sf src/daemon/iovteamd src/cli/iovteam lab/recorder bench/failover-meter bench/cost-meter bench/selection-meter $(BUILD)/

demo: build ## a team over two real VFs survives a lost link, in the lab (KERNEL=6.1 for the older kernel)
	@$(PYTHON) lab/demo.py $(if $(KERNEL),--kernel $(KERNEL))

bench: build ## cost and failovers beside the peers, one report with pictures (RUNS=100)
	@lab/setup bench
	@$(PYTHON) bench/bench.py $(if $(KERNEL),--kernel $(KERNEL)) \
		$(if $(filter command line,$(origin RUNS)),--runs $(RUNS))

bench-cost: build ## instructions per packet beside bonding and team, in the lab
	@lab/setup bench
	@$(PYTHON) bench/cost.py $(if $(KERNEL),--kernel $(KERNEL))

bench-latency: build ## requests and their answers beside the peers, in the lab
	@lab/setup bench
	@$(PYTHON) bench/latency.py $(if $(KERNEL),--kernel $(KERNEL))

RUNS := 1000
bench-failover: build ## failovers beside the peers, in the lab (RUNS=100 for a short one, ONLY=iovteam,ab)
	@lab/setup bench
	@$(PYTHON) bench/failover.py --runs $(RUNS) $(if $(ONLY),--only $(ONLY)) $(if $(KERNEL),--kernel $(KERNEL))

bench-restart: build ## what traffic loses while a control plane is killed or restarted, in the lab
	@lab/setup bench
	@$(PYTHON) bench/restart.py $(if $(KERNEL),--kernel $(KERNEL))

bench-scale: build ## how memory and times grow with members, teams and adapters, in the lab
	@$(PYTHON) bench/scale.py $(if $(KERNEL),--kernel $(KERNEL))

bench-selection: build ## the choice of a member alone beside DPDK's, on this machine
	@lab/setup bench
	@$(PYTHON) bench/selection.py

bench-silent: build ## cables pulled behind carriers that stay up, beside the peers, in the lab (PULLS=20, SOAK=600)
	@lab/setup bench
	@$(PYTHON) bench/silent.py $(if $(PULLS),--runs $(PULLS)) $(if $(SOAK),--soak $(SOAK)) $(if $(KERNEL),--kernel $(KERNEL))

test: setup ## all tests
	@tests/run

fuzz: build ## fuzz each target for a minute (MINUTES=n, TARGET=name)
	@nice -n 15 tests/fuzz/run $(if $(MINUTES),--minutes $(MINUTES)) $(TARGET)

model: build ## random operations and faults in the lab (OPERATIONS=2000 SEED=... SEEDS=1 KERNEL=6.1)
	@tests/model/run --operations $(or $(OPERATIONS),2000) $(if $(SEED),--seed $(SEED)) \
		$(if $(SEEDS),--seeds $(SEEDS)) $(if $(KERNEL),--kernel $(KERNEL))

lab: build ## a lost uplink on host and guest, with SR-IOV and with virtio (LAB=a or b, KERNEL=6.1, RUNS=20 for figures)
	@$(PYTHON) lab/story.py $(if $(LAB),--lab $(LAB)) $(if $(KERNEL),--kernel $(KERNEL))
ifeq ($(origin RUNS),command line)
	@lab/setup bench
	@$(PYTHON) bench/figures.py --runs $(RUNS) $(if $(SOAK),--soak $(SOAK)) $(if $(KERNEL),--kernel $(KERNEL))
endif

lab-vm: build ## the same with a real guest on vfio-pci VFs, a QEMU in the VM (KERNEL=6.1)
	@$(PYTHON) lab/vfio.py $(if $(KERNEL),--kernel $(KERNEL))

lab-shell: build ## a shell in the lab (KERNEL=6.1 for the older kernel)
	@lab/shell $(if $(KERNEL),--kernel $(KERNEL))

install: build ## install below DESTDIR
	@meson install -C $(BUILD)

clean: ## remove what was built
	@rm -rf $(BUILD)
