# make setup   what the project needs: Debian packages (as root or with sudo), a virtual environment in .venv
# make test    all tests            make demo   train, build, run on an emulated board
# make test-long   200 cases an operator, 500 random graphs, and the C of every operator broken on purpose: takes hours
# make fuzz    mutated model files and protocol frames, FUZZ_ARGS="--runs 100000": needs clang
# make readme  write anew what the README says of operators and layers
# make bench   instructions, cycles, flash and RAM of the models in EDGEQ_ZOO on every core: writes tests/bench and the README
# make schemes accuracy and costs of every scheme on two datasets: writes examples/schemes and the README (SCHEMES_ARGS)
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := gcc ccache libc6-dev gcc-arm-none-eabi libnewlib-arm-none-eabi qemu-system-arm python3-venv
TOOLS := gcc arm-none-eabi-gcc qemu-system-arm
JOBS ?= $(shell nproc)
export TF_CPP_MIN_LOG_LEVEL ?= 2

.PHONY: setup tools test test-long fuzz demo bench schemes readme clean

setup: tools $(VENV)/.ready

# Quick when everything is there; otherwise installs what apt can, or says what to install.
tools:
	@for tool in $(TOOLS); do command -v $$tool >/dev/null || missing="$$missing $$tool"; done; \
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || missing="$$missing python3-venv"; \
	if [ -n "$$missing" ]; then \
	    if ! command -v apt-get >/dev/null; then \
	        echo "missing:$$missing. Install the equivalents of the Debian packages: $(PACKAGES)"; exit 1; fi; \
	    if [ "$$(id -u)" = 0 ]; then sudo=; elif command -v sudo >/dev/null; then sudo=sudo; else \
	        echo "missing:$$missing. As root: apt-get install $(PACKAGES)"; exit 1; fi; \
	    $$sudo apt-get update -qq && DEBIAN_FRONTEND=noninteractive $$sudo apt-get install -y -qq --no-install-recommends $(PACKAGES) >/dev/null; \
	fi

$(VENV)/.ready: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is needed: install it, or name one with PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@

test: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist loadgroup $(PYTEST_ARGS)

test-long: export EDGEQ_CASES = 200
test-long: export EDGEQ_HOST_CASES = 200
test-long: export EDGEQ_GRAPHS = 500
test-long: export EDGEQ_MUTANTS = all
test-long: setup
	$(BIN)/python -m pytest -n $(JOBS) --dist load tests/ops tests/random_graphs tests/mutants $(PYTEST_ARGS)

fuzz: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

demo: setup
	$(BIN)/python examples/digits/demo.py

readme: setup
	$(BIN)/python -m tests.readme

bench: setup
	@test -d "$$EDGEQ_ZOO" || { echo "EDGEQ_ZOO must name the folder of models"; exit 1; }
	$(BIN)/python -m tests.bench $(BENCH_ARGS)

schemes: setup
	$(BIN)/python examples/schemes/table.py $(SCHEMES_ARGS)

clean:
	rm -rf $(VENV) build dist *.egg-info
