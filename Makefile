# Every command of the project; CI runs the same ones. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# uv: the one on PATH, else one that is installed into .tools/ by the machine's own python3.
UV := $(shell command -v uv 2>/dev/null || echo .tools/bin/uv)
RUN := $(UV) run --frozen --no-sync
OUT ?= demo-output

.PHONY: help demo test lint types imports unit bench env format lock clean spark oracle mutants

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: env ## real origins, a real mitmdump and well- and ill-behaved clients: leaves the audit in demo-output/
	$(RUN) statetrail demo --out $(OUT)

test: env spark browser lint types imports ## lint, strict types, import direction and every test
	$(RUN) pytest -n 2 --dist loadgroup --durations=25

lint: env ## style and format
	$(RUN) ruff check .
	$(RUN) ruff format --check .

types: env ## strict types
	$(RUN) mypy

imports: env ## the one-way import direction
	$(RUN) lint-imports

unit: env ## the fast tests only
	$(RUN) pytest -n 2 --dist loadgroup -m "not e2e and not browser"

bench: env ## what recording and analysing cost, in microseconds and seconds
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench

CLIENTS ?= 500
EXCHANGES ?= 50000
SEED ?= 1
.PHONY: confusion bench-analysis
confusion: env ## simulated clients whose verdicts and causes are known, held against the tool: CLIENTS=500 EXCHANGES=50000
	PYTHONPATH=tests $(RUN) python -m studies.labelled.confusion --clients $(CLIENTS) --exchanges $(EXCHANGES) --seed $(SEED)

SHOPPERS ?= 1000
.PHONY: backends
backends: env ## backends that serve many shoppers behind one address, held against the tool: SHOPPERS=1000 (or 10000) SEED=1
	PYTHONPATH=tests $(RUN) python -m studies.backends.run --most $(SHOPPERS) --seed $(SEED)

ONLY ?=
KEEP ?=
PACE ?= 1
.PHONY: families
families: env ## random worlds of refresh tokens, whose reuses have to be named rightly: WORLDS=100 SEED=1000
	PYTHONPATH=tests $(RUN) python -m studies.families.run $(WORLDS:%=--worlds %) $(SEED:%=--seed %)

.PHONY: frameworks
frameworks: env browser .venv/node/.installed ## real servers of common frameworks and real clients through a real mitmdump, held against the tool: ONLY="django flask-wtf" KEEP=folder, PACE=3 on a busy machine
	STUDY_PACE=$(PACE) PYTHONPATH=tests $(RUN) python -m studies.frameworks.run $(foreach one,$(ONLY),--only $(one)) $(KEEP:%=--keep %)

.venv/node/.installed: tests/studies/frameworks/servers/package-lock.json .venv/.synced
	@mkdir -p .venv/node && cp tests/studies/frameworks/servers/package*.json .venv/node/
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix .venv/node && touch $@; fi

.PHONY: formats
formats: env .venv/node-formats/.installed ## one visit of a browser to the demo's origins, captured by every tool that runs here, for the tests of formats (needs chromium, node, npm and tshark)
	NODE_MODULES=.venv/node-formats/node_modules PYTHONPATH=tests $(RUN) python -m studies.formats.make

.venv/node-formats/.installed: tests/studies/formats/package-lock.json .venv/.synced
	@mkdir -p .venv/node-formats && cp tests/studies/formats/package*.json .venv/node-formats/
	@if command -v npm >/dev/null; then npm ci --silent --no-audit --no-fund --prefix .venv/node-formats && touch $@; fi

bench-analysis: env ## verdicts, tokens and rotations against hand-written queries, at a million exchanges
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_analysis

.PHONY: bench-report
bench-report: env browser ## the report of a million exchanges of 5,000 clients: how long it takes, how large it is, how fast a browser opens and sorts it
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_report

N ?= 20000
oracle: env spark ## N random histories through every judge of verdicts, 200 through PySpark
	PYTHONPATH=tests $(RUN) python -m studies.oracle.run --histories $(N) --spark 200

HISTORIES ?= 10000
.PHONY: cookies
cookies: env browser ## random histories of cookies through the rules and a real Chromium's jar: HISTORIES=10000 SEED=1
	PYTHONPATH=tests nice $(RUN) python -m studies.cookies.run --histories $(HISTORIES) --seed $(SEED)

WORLDS ?= 200
SIZES ?= 10,30,100,1000
.PHONY: calibrate
calibrate: env ## what the inference of expiry names and covers on fresh worlds: WORLDS=200 SIZES=10,30,100,1000 SEED=1
	PYTHONPATH=tests $(RUN) python -m studies.calibration.run --captures $(WORLDS) --sizes $(SIZES) --seed $(SEED)

.PHONY: policies
policies: WORLDS = 50
policies: SIZES = 30,100
policies: env ## what the inference of expiry names and covers on 16 policies from the field: WORLDS=50 SIZES=30,100 SEED=1
	PYTHONPATH=tests $(RUN) python -m studies.calibration.field --worlds $(WORLDS) --sizes $(SIZES) --seed $(SEED)

ENTRIES ?= 20000
.PHONY: bench-import
bench-import: env ## what importing and redacting captures costs, beside json, msgspec, mitmproxy's and haralyzer's readers: ENTRIES=20000 KINDS=zest,browser
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_import --entries $(ENTRIES) $(KINDS:%=--kinds %)

.PHONY: bench-audit
bench-audit: env ## what a whole audit costs: small, large, and of odd shapes, up to ten million exchanges: EXCHANGES=1000000 in half an hour
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_audit

.PHONY: bench-export
bench-export: env ## what the export of a store costs, at a million exchanges of several shapes, and what adding to a dataset costs
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_export

.PHONY: bench-expiry
bench-expiry: env ## the inference of expiry at a million uses of 100,000 tokens, and where its time goes
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_expiry

.PHONY: docs
docs: env ## renew the generated pages of analysis/statetrail/docs, the README's layout and audit.schema.json
	PYTHONPATH=tests $(RUN) python -m studies.documentation

# The site's packages are in an environment of their own.
.PHONY: site
site: .venv/site/.synced ## the documentation as a website in site/, readable without a network; a broken link or anchor is an error
	NO_MKDOCS_2_WARNING=1 .venv/site/bin/mkdocs build --strict --quiet

.venv/site/.synced: pyproject.toml uv.lock .venv/.synced
	UV_PROJECT_ENVIRONMENT=.venv/site $(UV) sync --frozen --only-group docs
	@touch $@

KILLS ?= 50
CUTS ?= 1000
.PHONY: crash bench-recorder bench-instructions bench-streams soak fuzz
crash: env ## power cuts; kill -9 under load; a full, frozen, locked, removed or damaged store, also at a stop or a kill: what is lost, and what the store says of it: KILLS=50 CUTS=1000
	PYTHONPATH=tests $(RUN) python -m studies.crash.run --kills $(KILLS) --cuts $(CUTS)

bench-recorder: env ## what recording costs a proxy, as ratios to a bare mitmdump (needs Debian's nginx-light and nghttp2-client)
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_recorder

bench-instructions: env ## the same in instructions, which depend on no other work of the machine (needs Debian's valgrind, nginx-light, nghttp2-client)
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_instructions

bench-streams: env ## what 300 MB bodies and endless events cost a proxy that records: memory and time to the first byte
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.bench_streams

INPUTS ?= 1000000
fuzz: env ## hostile exchanges against the sightings: INPUTS=1000000, at most ten minutes, seeds kept in tests/studies/fuzz/seeds
	PYTHONPATH=tests $(RUN) python -m studies.fuzz.run --inputs $(INPUTS)

PARTS ?=
.PHONY: attack
attack: env ## attacks on what is promised, as tables: PARTS="redact" (default all), exit code 1 if one succeeds
	PYTHONPATH=tests $(RUN) python -m studies.attack.run $(PARTS:%=--part %) --seed $(SEED)

SOAK ?= 200000
soak: env ## the recorder's memory over SOAK=200000 exchanges of 20,000 clients
	PYTHONPATH=tests $(RUN) python -m studies.benchmarks.soak --exchanges $(SOAK)

mutants: env ## plant faults in the judges of verdicts: the tests have to find each
	PYTHONPATH=tests $(RUN) python -m studies.mutants.run

BEFORE ?= .venv/bin/statetrail
STORES ?=
.PHONY: equality
equality: env ## two versions on the same stores say the same: BEFORE=/old/venv/bin/statetrail STORES="more.sqlite"
	PYTHONPATH=tests $(RUN) python -m studies.equality --before $(BEFORE) $(STORES)

EXTRAS ?=
.PHONY: wheel
wheel: env ## wheel and sdist in empty environments: what each extra takes, whether it does what it is for, and the commands of the quickstart and the README, timed: EXTRAS="analysis demo pages" (default all)
	PYTHONPATH=tests $(RUN) python -m studies.wheel.run --uv $(UV) $(EXTRAS)

.PHONY: sbom
sbom: $(UV) ## the bill of materials of what uv.lock installs, without a network: sbom.cdx.json (CycloneDX)
	$(UV) export --frozen --offline --no-dev --all-extras --format cyclonedx1.5 --preview-features sbom-export -q -o sbom.cdx.json

format: env ## rewrite in house style
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

spark: .venv/.spark ## the engine PySpark, which only tests need (it runs where there is a Java)

.venv/.spark: .venv/.synced
	$(UV) sync --frozen --group dev --group spark
	@touch $@

lock: $(UV) ## renew uv.lock
	$(UV) lock

env: .venv/.synced

.venv/.synced: pyproject.toml uv.lock .python-version | $(UV)
	@$(UV) python find 3.13 >/dev/null 2>&1 || $(UV) python install 3.13 \
	  || { echo "statetrail needs Python 3.13: install it (your system's package, pyenv, or 'uv python install 3.13') and run this again." >&2; exit 1; }
	$(UV) sync --frozen --group dev --compile-bytecode
	@.venv/bin/python -m compileall -q analysis addons
	@touch $@

.tools/bin/uv:
	@command -v python3 >/dev/null || { echo "python3 is needed to install uv: install it first (Debian: apt-get install python3 python3-venv)." >&2; exit 1; }
	python3 -m venv .tools || { echo "python3 has no venv module (Debian: apt-get install python3-venv)." >&2; exit 1; }
	.tools/bin/pip install --quiet --disable-pip-version-check 'uv>=0.9'

# The browser tests drive Debian's chromium; where it is missing and cannot be installed they say so and are left out.
.PHONY: browser
browser:
	@command -v chromium >/dev/null 2>&1 || { \
	  if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then \
	    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; } >/dev/null 2>&1 \
	    || echo "chromium could not be installed: browser tests are skipped" >&2; \
	  else echo "no chromium (Debian: apt-get install chromium): browser tests are skipped" >&2; fi; }

clean: ## remove what the commands made
	rm -rf .venv .tools $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
