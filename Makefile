SHELL := /bin/bash
.DEFAULT_GOAL := help

ARENA := go run ./cmd/arena
# The compiler takes memory for time, as in internal/gobuild.
COMPILER := GOGC=$${GOGC:-400} GOMEMLIMIT=$${GOMEMLIMIT:-4GiB}
# The linter is pinned here and built by Go itself, so that it is the same for everyone.
GOLANGCI_LINT := go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
# Modules of our own beside the main one.
MODULES := tools/pulumi-resource-command tests/rig/k3s tests/rig/natsexporter
# What is built with the flags of the programs that the local city runs shares most of what is compiled with them.
SHARED := $(COMPILER) CGO_ENABLED=0 GOFLAGS='-mod=readonly -trimpath -buildvcs=false'
# The tools of upstream that the tests run, each of the same release as the program in the cities.
TOOLS := .arena/tools
GATOR := $(TOOLS)/gator
PROMTOOL := $(TOOLS)/promtool
LOGCLI := $(TOOLS)/logcli
# What runs side by side is tested with the race detector. The Pulumi program is one goroutine, and the SDK below it takes 6 minutes to
# compile once more for the detector; SQLite in Go is ten times slower with it.
RACED := ./battle-wasm/... ./cmd/... ./internal/... ./tests/... ./lobby/placement ./lobby/presence ./lobby/ratelimit ./lobby/token ./lobby/keyring
PLAIN := ./infra/... ./modules/... ./lobby/...
# What becomes Wasm, where an int has 32 bits as it has on 386.
GUEST := $(addprefix ./battle-wasm/,ascii bitpack budget config httpd journal loopback nats pace rewind server sim snapshot ticket wire)
FUZZTIME ?= 20s

.PHONY: help
help: ## Show what can be made
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Go compiles a thousand packages the first time, and says nothing meanwhile.
.PHONY: compile
compile:
	@(while sleep 15 >/dev/null 2>&1; do echo "[$$((SECONDS / 60)):$$(printf %02d $$((SECONDS % 60)))] compiling arena (minutes, once)"; done) & ticker=$$!; \
	  trap 'kill $$ticker' EXIT; $(COMPILER) go build -o /dev/null ./cmd/arena

.PHONY: up
up: compile ## Bring the local city up: everything it needs, pulumi up, bots, objectives
	$(ARENA) up

.PHONY: down
down: ## Take the local city and all that came with it down
	$(ARENA) down

.PHONY: doctor
doctor: ## Show what is installed, and which parts are stand-ins and why
	$(ARENA) doctor

.PHONY: test
test: prepare test-unit test-e2e ## Run every test: unit, resource graphs, and the suites against real cities

.PHONY: prepare
prepare: compile ## Install or build all that cities on this machine are made from
	$(ARENA) prepare

.PHONY: test-unit
test-unit: compile ## Run the quick tests
	$(ARENA) prepare --compiler
	$(COMPILER) go vet ./...
	$(COMPILER) go test -short -timeout 15m $(PLAIN)
	$(COMPILER) go test -short -race -timeout 15m $(RACED)
	$(COMPILER) GOARCH=386 CGO_ENABLED=0 go test -short -timeout 5m $(GUEST)
	@for m in $(MODULES); do echo "# $$m"; (cd $$m && $(COMPILER) go test -timeout 10m ./...) || exit 1; done
	$(MAKE) --no-print-directory policy-test monitoring-test

.PHONY: policy-test
policy-test: ## Run the policies over what they must allow and deny
	$(SHARED) go -C tests/rig/gatekeeper build -o $(CURDIR)/$(GATOR) github.com/open-policy-agent/gatekeeper/v3/cmd/gator
	$(GATOR) verify modules/policy/rules/...

.PHONY: monitoring-test
monitoring-test: ## Run promtool over all rules, and over what each alert must fire at and must not, and Loki's parser over each LogQL query
	$(SHARED) go -C monitoring/check test -timeout 10m ./...
	$(SHARED) go -C tests/rig/prometheus build -tags remove_all_sd -o $(CURDIR)/$(PROMTOOL) github.com/prometheus/prometheus/cmd/promtool
	$(PROMTOOL) check rules monitoring/generated/rules/*/*.yaml
	$(PROMTOOL) test rules monitoring/tests/*.yaml
	$(SHARED) go -C tests/rig/loki build -o $(CURDIR)/$(LOGCLI) github.com/grafana/loki/v3/cmd/logcli
	go run ./monitoring/logql $(CURDIR)/$(LOGCLI) fmt

.PHONY: test-e2e
test-e2e: ## Run the suites against real cities; RUN=<regexp> picks some
	go test -tags e2e -count 1 -timeout 60m -v -p 1 -run '$(RUN)' ./tests ./tests/rig/... ./internal/fleet/report ./lobby/results

.PHONY: generate
generate: ## Write what is made from the sources: the schema of stack files, rules and dashboards. A test says when they are not current
	go run ./modules/config/schema/gen
	go run ./monitoring/gen

.PHONY: bench
bench: ## Measure what docs/benchmarks.md holds, on the running local city
	$(ARENA) bench

.PHONY: bench-netcode
bench-netcode: ## Measure what the battle server sends and computes; no city is needed
	$(ARENA) bench netcode

.PHONY: bench-fleet
bench-fleet: ## Measure 110 cities, region after region, and what the orchestration costs (an hour or more)
	$(ARENA) bench-fleet

.PHONY: fuzz
fuzz: ## Fuzz every parser of foreign input for FUZZTIME each
	@grep -rl --include='*_test.go' 'func Fuzz' battle-wasm internal lobby modules | xargs -n1 dirname | sort -u | while read -r d; do \
	  for f in $$(grep -h -o 'func Fuzz[A-Za-z0-9_]*' $$d/*_test.go | awk '{print $$2}'); do \
	    echo "# $$d $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZTIME) ./$$d || exit 1; done; done

.PHONY: lint
lint: ## Check format, vet and the linter's rules
	@test -z "$$(gofmt -l . | tee /dev/stderr)"
	go vet ./... && go vet -tags e2e ./tests/... ./internal/fleet/report ./lobby/results
	$(GOLANGCI_LINT) run

.PHONY: clean-cache
clean-cache: ## Remove what is slow to make from the user's cache directory
	$(ARENA) clean-cache
