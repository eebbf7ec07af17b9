# The workshop, step by step, and the project's own chores. `make help` lists the targets.
#
#   MODE=lab      (default) nodes are processes of this very binary on 127.0.0.1:7001 and up
#   MODE=docker   nodes are containers redis-1 … redis-8 on 172.30.0.11 and up (docker-compose.yml)
#
# In the lab, SERVER=PROGRAM runs another server, as SERVER=redis-server. Node N is on port 7000 + N in both.
# Nothing here asks a question. Every target may be repeated: what is done already is left as it is.

MODE ?= lab
RCL ?= target/release/rcl
LAB_DIR ?= .lab
LAB_BASE_PORT ?= 7001
SERVER ?=
KEY ?= user:1001
KEYS ?= 1000000
# How long to wait for a cluster to settle, in tenths of a second.
PATIENCE ?= 600

SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.ONESHELL:
.DEFAULT_GOAL := help

# What differs between the two modes. $(1) is a node's number, which may be a variable of the shell.
ifeq ($(MODE),lab)
port     = $$(($(LAB_BASE_PORT) - 1 + $(1)))
address  = 127.0.0.1:$(call port,$(1))
cli      = $(RCL) redis-cli -p $(call port,$(1))
rcl      = $(RCL)
lab      = $(RCL) lab --dir $(LAB_DIR)
server   = $(if $(SERVER),--server $(SERVER))
start    = $(lab) start --nodes 6 --base-port $(LAB_BASE_PORT) $(server)
add      = $(lab) add $(1) --base-port $(LAB_BASE_PORT) $(server)
stop     = $(lab) stop
clean    = $(lab) clean
crash    = $(lab) kill $(1)
restart  = $(lab) restart $(1)
retire   = $(lab) stop $(1)
prepare  = release
else ifeq ($(MODE),docker)
compose  = docker compose
profiles = --profile scale-up --profile scale-add-replica
port     = $$((7000 + $(1)))
address  = 172.30.0.$$((10 + $(1))):$(call port,$(1))
cli      = docker exec redis-$(1) redis-cli -p $(call port,$(1))
rcl      = docker exec redis-$(1) rcl
start    = $(compose) up --detach --build --wait
add      = $(compose) $(profiles) up --detach --wait redis-$(1)
stop     = $(compose) $(profiles) stop
clean    = $(compose) $(profiles) down --volumes
crash    = docker stop redis-$(1)
restart  = docker start redis-$(1)
retire   = docker stop redis-$(1)
prepare  =
else
$(error MODE is lab or docker, not '$(MODE)')
endif

# Sets n to the first node that answers; verbs enter the cluster there.
find_node = n=; for n in 1 2 3 4 5 6 7 8 none; do \
	if test $$n = none; then echo "no node answers; make start starts them" >&2; exit 1; fi; \
	if $(call cli,$$n) PING >/dev/null 2>&1; then break; fi; done

# The words of node $(1)'s CLUSTER INFO that tell whether the cluster is whole.
facts = $(call cli,$(1)) CLUSTER INFO | tr -d '\r' | grep -E '^cluster_(state|slots_assigned|known_nodes|size):'

# Waits until the command $(1) succeeds; $(2) says what for.
wait_until = tenths=0; until $(1); do tenths=$$((tenths + 1)); \
	if test $$tenths -gt $(PATIENCE); then echo "waited in vain: $(2)" >&2; exit 1; fi; sleep 0.1; done

# Whether node $(1) is in a cluster with others.
is_member = test "$$($(call cli,$(1)) CLUSTER INFO 2>/dev/null | tr -d '\r' | sed -n 's/^cluster_known_nodes://p')" -gt 1 2>/dev/null

# Whether the first six nodes all say that the cluster is well, and every replica has its master's data.
six_ok = for i in 1 2 3 4 5 6; do \
	$(call cli,$$i) CLUSTER INFO 2>/dev/null | grep -q '^cluster_state:ok' || exit 1; \
	$(call cli,$$i) INFO replication 2>/dev/null | grep -qE '^(role:master|master_link_status:up)' || exit 1; done

##@ The workshop

.PHONY: start
start: $(prepare) ## Starts six nodes and makes them a cluster: three masters, a replica each
	@$(start)
	if ! $(call is_member,1); then
		$(call rcl,1) create $(foreach i,1 2 3 4 5 6,$(call address,$(i))) --replicas 1 --yes
	fi
	$(call wait_until,($(six_ok)),the cluster is ok)
	$(call facts,1)

.PHONY: stop
stop: $(prepare) ## Stops all nodes; their data stays
	@$(stop)

.PHONY: clean
clean: $(prepare) ## Stops all nodes and removes their data
	@$(clean)

.PHONY: cluster-info
cluster-info: $(prepare) ## Shows the cluster: state, masters, replicas
	@$(find_node)
	$(call facts,$$n)
	$(call rcl,$$n) info $(call address,$$n)
	$(call rcl,$$n) nodes $(call address,$$n)

.PHONY: slot-info
slot-info: $(prepare) ## Shows which master owns which slots
	@$(find_node)
	$(call rcl,$$n) slot-info $(call address,$$n)

.PHONY: key-slot
key-slot: $(prepare) ## Shows where a key lives: make key-slot KEY=user:1001
	@$(find_node)
	$(call rcl,$$n) key-slot --entry $(call address,$$n) -- '$(KEY)'

.PHONY: hash-tag-demo
hash-tag-demo: $(prepare) ## Shows how hash tags bring keys into one slot
	@$(find_node)
	$(call rcl,$$n) hash-tag-demo $(call address,$$n)

.PHONY: cross-slot-demo
cross-slot-demo: $(prepare) ## Shows the CROSSSLOT error, and the ways out
	@$(find_node)
	$(call rcl,$$n) cross-slot-demo $(call address,$$n)

.PHONY: scale-up
scale-up: $(prepare) ## Adds node 7 as a master and evens out: 4096 slots each
	@$(find_node)
	$(call add,7)
	if ! $(call is_member,7); then
		$(call rcl,$$n) add-node $(call address,7) $(call address,$$n) --yes
	fi
	$(call rcl,$$n) rebalance $(call address,$$n) --use-empty-masters --yes
	$(call rcl,$$n) slot-info $(call address,$$n)

.PHONY: scale-add-replica
scale-add-replica: $(prepare) ## Adds node 8 as a replica of node 7
	@$(find_node)
	if ! $(call is_member,7); then echo "node 7 is not in the cluster; make scale-up adds it" >&2; exit 1; fi
	$(call add,8)
	if ! $(call is_member,8); then
		$(call rcl,$$n) add-replica $(call address,8) $(call address,$$n) --master $(call address,7) --yes
	fi
	$(call wait_until,$(call cli,8) INFO replication | grep -q '^master_link_status:up',node 8 follows its master)
	$(call cli,8) INFO replication | tr -d '\r' | grep -E '^(role|master_host|master_port|master_link_status):'

.PHONY: failover
failover: $(prepare) ## Kills node 1 and waits until its replica has taken over
	@if $(call cli,1) PING >/dev/null 2>&1; then
		$(call cli,1) ROLE | sed -n '1s/slave/replica/; 1s/^/node 1 is a /p'
		$(call crash,1)
	else
		echo "node 1 is down already"
	fi
	$(find_node)
	$(call wait_until,$(call cli,$$n) CLUSTER NODES | grep ":$(call port,1)@" | grep -qE ' [a-z]+$(comma)fail ',the others agree that node 1 failed)
	$(call wait_until,$(call cli,$$n) CLUSTER INFO | grep -q '^cluster_state:ok',a replica has taken over)
	$(call rcl,$$n) nodes $(call address,$$n)

.PHONY: recover
recover: $(prepare) ## Starts node 1 again and waits until it follows the new master
	@if ! $(call cli,1) PING >/dev/null 2>&1; then $(call restart,1); fi
	$(call wait_until,$(call cli,1) INFO replication 2>/dev/null | tr -d '\r' | grep -qE '^(master_link_status:up|connected_slaves:[1-9])',node 1 follows its master)
	$(call cli,1) INFO replication | tr -d '\r' | grep -E '^(role|master_host|master_port|master_link_status|connected_slaves):'

.PHONY: scale-down
scale-down: $(prepare) ## Goes back to three masters: takes nodes 8 and 7 out and stops them
	@$(find_node)
	for i in 8 7; do
		if $(call is_member,$$i); then
			$(call rcl,$$n) scale-down $(call address,$$i) --entry $(call address,$$n) --yes
		fi
		if $(call cli,$$i) PING >/dev/null 2>&1; then $(call retire,$$i); fi
	done
	$(call rcl,$$n) slot-info $(call address,$$n)

.PHONY: watch-cluster
watch-cluster: $(prepare) ## Shows the cluster live; Ctrl-C ends
	@$(find_node)
	$(watch) $(call address,$$n)

ifeq ($(MODE),docker)
# A terminal inside the container only where there is one outside.
watch = if test -t 1; then exec docker exec -it redis-$$n rcl watch $(call address,$$n); fi; docker exec redis-$$n rcl watch
else
watch = exec $(RCL) watch
endif

##@ The project

.PHONY: release
release:
	@if test "$(RCL)" = target/release/rcl; then cargo build --release --quiet --bin rcl; fi

# Most tests of whole programs wait for elections and timeouts and not for a processor: so more run at once than there are cores.
THREADS_PER_CORE ?= 2

.PHONY: test
test: ## Runs all tests; those that need a redis-server say so when there is none
	@cargo test --workspace --lib --bins
	@cargo test --workspace --test '*' -- --test-threads $$(($(THREADS_PER_CORE) * $$(getconf _NPROCESSORS_ONLN)))
	@cargo test --workspace --doc

.PHONY: snapshots
snapshots: ## Writes anew what tests hold of the terminal (tests/terminal/snapshots, src/watch/pictures); git diff shows what has changed
	@RCL_BLESS=1 cargo test --quiet --package rcl --test operator -- terminal::
	RCL_BLESS=1 cargo test --quiet --package rcl --lib -- watch::pictures

# Release mode, all cores. SEED=n replays one seed; SEEDS=n or SEEDS=from-to runs so many, FRESH=n so many new ones;
# NODES=5-15 says how many nodes, FAULTS=loss,crash,… which faults (an unknown name is answered with the list).
.PHONY: sim
sim: ## Runs the cluster core in simulation: SEEDS=1000, or SEED=7 to replay one (NODES=5-15 FAULTS=loss,crash)
	@SEED='$(SEED)' SEEDS='$(or $(SEEDS),1000)' FRESH='$(FRESH)' NODES='$(NODES)' FAULTS='$(FAULTS)' \
		cargo test --release --quiet --package rcl-cluster --test simulation -- --exact runner::seeds --nocapture

# Each of its tests runs COMMANDS commands drawn from SEED; a difference is printed as the shortest way to it.
.PHONY: diff
diff: ## Sends random commands to a redis-server and to a node, and compares: COMMANDS=1000000, SEED=7 draws those of a failure
	@SEED='$(or $(SEED),1)' COMMANDS='$(or $(COMMANDS),100000)' \
		cargo test --release --quiet --package rcl-node --test node -- --test-threads 1 --nocapture differential::resp differential::events

# Each of its ways (kill -9 or no power, what was promised, a cluster or not) ROUNDS times; SEED=7 draws those of a failure.
.PHONY: crash
crash: ## Ends nodes under load at random moments, and looks what the next ones have: ROUNDS=500, SEED=7
	@SEED='$(or $(SEED),1)' ROUNDS='$(or $(ROUNDS),500)' \
		cargo test --release --quiet --package rcl-node --test crash -- --nocapture

.PHONY: replication
replication: ## Sends chains of nodes and redis-servers through faults drawn from a seed, and compares all data: SEED=1 ROUNDS=200
	@SEED='$(or $(SEED),1)' ROUNDS='$(or $(ROUNDS),200)' \
		cargo test --release --quiet --package rcl-node --test node -- --exact replication::chaos::by_seed replication::slots::by_seed --nocapture --test-threads 1

# Half of the rounds on our nodes, half on redis-servers; a failure prints its seed.
.PHONY: kill-rcl
kill-rcl: ## Kills rcl -9 at random moments of what it does, resumes or undoes it, and looks that all is well: SEED=1 ROUNDS=200
	@RCL_KILL_SEED='$(or $(SEED),1)' RCL_KILL_ROUNDS='$(or $(ROUNDS),200)' \
		cargo test --release --quiet --package rcl --test operator -- kill_rcl:: kill_node:: --include-ignored --nocapture --test-threads 1

# In release mode, some ten thousand a minute; a wish that is planned badly is printed with its cluster, as small as can be.
.PHONY: plan-props
plan-props: ## Plans so many wishes for clusters, both drawn, and carries the plans out on a model: CASES=100000
	@RCL_PLAN_CASES='$(or $(CASES),100000)' cargo test --release --quiet --package rcl --lib -- --nocapture plan::properties

# The file is in the shape that the header of node-server/tests/facts/mod.rs tells.
.PHONY: facts
facts: ## Compares the command table with a file of facts, and prints every difference: FACTS=commands.json
	@test -n '$(FACTS)' || { echo "FACTS says where the file is" >&2; exit 2; }
	FACTS="$$(realpath '$(FACTS)')" cargo test --quiet --package rcl-node --test node -- facts:: --ignored --nocapture

SIZES ?= 100 300 2000

.PHONY: sim-scale
sim-scale: ## Prints what clusters of SIZES nodes need in simulation, and what a member costs (2000 nodes: 4 GiB, many minutes)
	@cargo bench --quiet --package rcl-cluster --bench at_scale
	# The allocator gives big pieces back: thousands of members in one process grow their tables step by step.
	export MALLOC_MMAP_THRESHOLD_=32768
	for nodes in $(SIZES); do NODES=$$nodes cargo test --release --quiet --package rcl-cluster --test simulation -- \
		--exact scale::what_a_size_needs --nocapture; done


.PHONY: way-over
way-over: ## Replaces a cluster of Redis by ours node by node under load, and back, with KEYS=1000000 keys of all types
	@RCL_WAY_OVER_KEYS='$(KEYS)' cargo test --release --quiet --package rcl --test operator -- --nocapture goes_back

.PHONY: backup-restore
backup-restore: ## Backs up three loaded masters, restores into five and compares, with KEYS=1000000 keys of all types
	@RCL_BACKUP_KEYS='$(KEYS)' cargo test --release --quiet --package rcl --test operator -- --nocapture of_three_is_restored

.PHONY: bench
bench: ## Measures the node and rcl beside redis-server and redis-cli (BENCH=--quick for a first look)
	@cargo bench --quiet --package rcl --bench side_by_side -- $(BENCH)

.PHONY: bench-threads
bench-threads: ## Measures what a second thread brings inside the node, without sockets
	@cargo bench --quiet --package rcl-node --bench threads

# --target keeps the flags away from build scripts and procedural macros, which cannot be static. The backend asks
# the kernel for random bytes: a static binary finds no dynamic symbol for it, and would want /dev/urandom.
STATIC_FLAGS := -C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"

.PHONY: static
static: ## Builds rcl as one static binary, as the image holds it; make test then tries it in an empty root
	@target="$$(rustc -vV | sed -n 's/^host: //p')"
	RUSTFLAGS='$(STATIC_FLAGS)' cargo build --release --quiet --bin rcl --target "$$target"
	echo "target/$$target/release/rcl"

.PHONY: check
check: ## Format, lints with warnings denied, and that what is generated is up to date
	@cargo fmt --all --check
	cargo fmt --check --manifest-path node-server/fuzz/Cargo.toml
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --quiet --package rcl --lib completions

# Coverage counters come from the compiler itself, so that the stable one will do; the fuzzer is a library.
FUZZ_SECONDS ?= 600
FUZZ_FLAGS := --cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1

FUZZ ?= packet nodes_conf member resp restore rdb_file aof_file encodings commands

.PHONY: fuzz
fuzz: ## Throws mutated packets, requests, payloads, files and commands at the code, FUZZ_SECONDS for each target (FUZZ=restore: one)
	@target="$$(rustc -vV | sed -n 's/^host: //p')"
	fuzz=node-server/fuzz out=target/fuzz
	RUSTFLAGS='$(FUZZ_FLAGS)' cargo build --release --quiet --manifest-path $$fuzz/Cargo.toml --target "$$target" --target-dir $$out
	for name in $(FUZZ); do
		log=$$out/$$name.log corpus=$$out/corpus/$$name; mkdir -p $$corpus
		case $$name in
			packet) more="node-server/cluster/tests/real_peers/golden";;
			nodes_conf) more="$$fuzz/seeds/nodes_conf -dict=$$fuzz/seeds/nodes_conf.dict -max_len=2000";;
			restore) more="$$fuzz/seeds/restore";;
			rdb_file) more="$$fuzz/seeds/rdb_file -max_len=4000";;
			aof_file) more="$$fuzz/seeds/aof_file -dict=$$fuzz/seeds/aof_file.dict -max_len=2000"; ! test -d /dev/shm || export TMPDIR=/dev/shm;;
			*) more="-max_len=2000";;
		esac
		echo "fuzzing $$name for $(FUZZ_SECONDS) s"
		"$$out/$$target/release/$$name" -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
			-artifact_prefix=$$out/$$name- $$corpus $$more >$$log 2>&1 || { tail -n 60 $$log; exit 1; }
		sed -n 's/^stat::/  /p' $$log
	done

.PHONY: completions
completions: release ## Writes the scripts of bash, zsh and fish into completions/
	@mkdir -p completions
	$(RCL) completions bash > completions/rcl.bash
	$(RCL) completions zsh > completions/_rcl
	$(RCL) completions fish > completions/rcl.fish

.PHONY: man
man: release ## Writes the manual pages into target/man (man -l target/man/rcl.1)
	@$(RCL) man target/man

.PHONY: help
help: ## Lists the targets
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

comma := ,
