# The two that matter: `make test` and `make check`. Each makes .venv first when it is missing or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PEERS := .venv-peers
PEERS_LOCK := benchmarks/streams/constraints.txt
VENDOR := warning/web/static/vendor
ASSETS := $(VENDOR)/uPlot.iife.min.js
# All that is locked together; `peers` pins older libraries and has a lock and an environment of its own.
EXTRAS := service simulation cluster learn dev
TYPED := models warning streams tests $(wildcard benchmarks)

.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help install demo test check bench peers bench-streams soak lock clean

help: ## list these targets / 列出可用目标
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

install: $(STAMP) $(ASSETS) ## make .venv with everything pinned / 建立固定版本的环境

demo: $(STAMP) $(ASSETS) ## the service on a made-up city, one link to open / 在虚构城市上运行服务
	$(BIN)/early-warning demo

test: $(STAMP) $(ASSETS) ## run every test this machine can run / 运行本机能运行的全部测试
	$(BIN)/python -m pytest -n 2

check: $(STAMP) ## lint, format, types, imports, README / 检查风格、格式、类型、导入规则与 README
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(TYPED)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q tests/house/test_readme.py

bench: $(STAMP) ## run the benchmarks / 运行性能测试
	$(BIN)/python -m benchmarks

peers: $(PEERS)/.installed ## make .venv-peers: what bench-streams compares with / 建立对比环境

bench-streams: $(STAMP) peers ## the cluster beside Quix, Bytewax, Faust / 集群与其他流处理框架对比
	$(BIN)/python -m benchmarks.streams

soak: $(STAMP) ## an hour of the whole cluster under faults / 集群一小时故障浸泡测试
	$(BIN)/python -m benchmarks.streams.soak --minutes 60

lock: $(STAMP) ## rewrite constraints.txt (LOCK=--upgrade: newest versions) / 重新固定依赖版本
	$(BIN)/pip-compile --quiet $(LOCK) $(EXTRAS:%=--extra %) --all-build-deps --allow-unsafe --strip-extras \
		--no-header --no-annotate --no-emit-options --no-emit-index-url --no-emit-trusted-host --no-emit-find-links \
		--output-file constraints.txt pyproject.toml

clean: ## remove .venv and everything made here / 删除环境与生成物
	rm -rf $(VENV) $(PEERS) $(VENDOR) node_modules build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find models warning streams tests $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

# With pip and the build backend at their pins first, the install needs no isolated build and so no unpinned download.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "early-warning needs Python 3.11 or newer; say which with: make PYTHON=/path/to/python3.11" >&2; \
		echo "需要 Python 3.11 或更新版本;可用 make PYTHON=/路径/python3.11 指定" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt pip setuptools editables hatchling
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-build-isolation --editable '.[service,simulation,cluster,dev]'
	touch $@

# The peers pin older libraries than ours, so they have a lock and an environment of their own.
$(PEERS)/.installed: $(PEERS_LOCK)
	test -x $(PEERS)/bin/python || $(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --requirement $(PEERS_LOCK)
	touch $@

# What the page needs from npm, by the Node that comes as a Python package; anew only when the lock file changes.
$(ASSETS): package-lock.json | $(STAMP)
	$(BIN)/npm ci --silent --prefer-offline || { \
		echo "The page's scripts (htmx, uPlot) could not be installed: is the npm registry reachable? Try again: make install" >&2; \
		echo "页面脚本 (htmx、uPlot) 安装失败:请检查能否访问 npm 源,然后重试 make install" >&2; exit 1; }
	mkdir -p $(VENDOR)
	cp node_modules/htmx.org/dist/htmx.min.js node_modules/uplot/dist/uPlot.min.css $(VENDOR)
	cp node_modules/htmx.org/LICENSE $(VENDOR)/htmx.LICENSE
	cp node_modules/uplot/LICENSE $(VENDOR)/uPlot.LICENSE
	cp node_modules/uplot/dist/uPlot.iife.min.js $@
