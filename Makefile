# `make run` and `make test` do all the set-up; from the second time on they only check stamps.
SHELL := /bin/bash
# PYTHON is the first of these on which Mien runs; where there is none, one line says what to install.
PYTHON ?= $(shell for each in python3 python3.13 python3.14 python3.12 python3.11; do \
  $$each -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' 2>/dev/null && echo $$each && break; done)
NO_PYTHON := Mien needs Python 3.11 to 3.14, and there is none. Debian, Ubuntu: apt install python3-venv; Fedora: \
  dnf install python3.13; Homebrew: brew install python@3.13. Or say where one is: make PYTHON=/path/to/python
VENV := .venv
BIN := $(VENV)/bin
SHARED ?= ../shared
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint sheets screenshots measure package clean

run: $(VENV)/.run
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" != Linux ]; then $(BIN)/mien --sample; \
	else echo "No display: doing the same job headless into out/"; $(BIN)/mien --self-test out; fi

# Two processes: most tests keep one core busy, and each process takes up to 3 GB.
test: $(VENV)/.dev lint
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest -n 2 --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check app tests tools installers
	$(BIN)/ruff format --check app tests tools installers
	$(BIN)/mypy

sheets screenshots: $(VENV)/.dev
	QT_QPA_PLATFORM=offscreen $(BIN)/python tools/$@.py

measure: $(VENV)/.dev
	$(BIN)/python tools/edit_accuracy.py
	$(BIN)/mien evaluate $(SHARED)/media/videos/*.mp4
	$(BIN)/mien bench

package:
	bash installers/package.sh

$(VENV)/.system: installers/system_packages.sh
	bash installers/system_packages.sh
	@mkdir -p $(VENV) && touch $@

$(VENV)/bin/pip: $(VENV)/.system
	@[ -n "$(PYTHON)" ] || { echo "$(NO_PYTHON)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Where torch is missing, this exact version is installed first, because other requests bring several GB of CUDA.
$(VENV)/.run: $(VENV)/bin/pip pyproject.toml
	$(BIN)/python -c "import torch" 2>/dev/null || $(BIN)/pip install -q torch==2.13.0
	$(BIN)/pip install -q -e ".[camera]"
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install -q -e ".[camera,dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist out
