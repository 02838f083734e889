# `make run` and `make test` do all the set-up; the second time they only check stamps.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHARED ?= ../shared
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: run test lint sheets screenshots measure package clean

run: $(VENV)/.run
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ] || [ "$$(uname)" != Linux ]; then $(BIN)/mien --sample; \
	else echo "No display: doing the same job headless into out/"; $(BIN)/mien --self-test out; fi

test: $(VENV)/.dev lint
	QT_QPA_PLATFORM=offscreen $(BIN)/python -m pytest

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
	$(PYTHON) -m venv $(VENV)
	@touch $@

# torch first and exactly: other ways of asking bring several GB of CUDA.
$(VENV)/.run: $(VENV)/bin/pip pyproject.toml
	$(BIN)/pip install -q "$$(sed -n 's/^ *"\(torch==[^"]*\)",/\1/p' pyproject.toml)"
	$(BIN)/pip install -q -e ".[camera]"
	@touch $@

$(VENV)/.dev: $(VENV)/.run
	$(BIN)/pip install -q -e ".[camera,dev]"
	@touch $@

clean:
	rm -rf $(VENV) build dist out
