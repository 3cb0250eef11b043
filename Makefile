# cloudgreet: build, install and test with PGXS.  `make help` lists the targets.

# ---- Version: the control file states it, nothing else does -------------------------
EXTENSION = cloudgreet
EXTENSION_VERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" cloudgreet.control)
SCHEMA_FILES := $(sort $(wildcard sql/schema/*.sql))
SCHEMA_VERSION := $(shell printf '%s\n' $(SCHEMA_FILES) | sed -n '$$s,.*/0*\([0-9]*\)_.*,\1,p')

# ---- C ------------------------------------------------------------------------------
MODULE_big = cloudgreet
OBJS = $(patsubst %.c,%.o,$(sort $(filter-out src/gate/%,$(wildcard src/*.c src/*/*.c))))
PG_CPPFLAGS = -Isrc -DCG_SCHEMA_VERSION=$(SCHEMA_VERSION) -DCG_VERSION='"$(EXTENSION_VERSION)"'
SHLIB_LINK = -lcrypto -lcurl -lcares
# No function of ours is worth inlining by the JIT, and bitcode would need clang.
override with_llvm = no
ifdef STRICT
PG_CFLAGS = -Wextra -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers -Wshadow=local -Werror
endif

# ---- C: the gate, a program of its own ---------------------------------------------
GATE = build/cloudgreet_gate
GATE_NAMES = $(sort $(patsubst src/gate/%.c,%,$(wildcard src/gate/*.c)) $(patsubst /usr/share/%.c,%,$(wildcard /usr/share/llhttp/*.c)))
# llhttp: Debian 12 has its C files, where strict mode must be asked for (without it any byte
# after CR passes for LF); Debian 13 a library, which is strict.
GATE_LIBS = $(if $(wildcard /usr/share/llhttp/*.c),,-l:libllhttp.a) -lpq -lcrypto -pthread
GATE_CPPFLAGS = -Isrc -isystem /usr/share/include/llhttp -I$(shell $(PG_CONFIG) --includedir) -D_GNU_SOURCE -DLLHTTP_STRICT_MODE=1
GATE_CFLAGS = -std=gnu11 -g -Wall -Wextra -Wshadow $(if $(STRICT),-Werror)
GATE_RELEASE = -O2 -fPIE -fstack-protector-strong -D_FORTIFY_SOURCE=2
GATE_DEBUG = -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined

# ---- SQL ----------------------------------------------------------------------------
# The extension script, and one for each step that a released version takes to the next.
SCRIPT = build/$(EXTENSION)--$(EXTENSION_VERSION).sql
UPDATES = $(patsubst sql/update/%,build/%,$(wildcard sql/update/$(EXTENSION)--*--*.sql))
DATA_built = $(SCRIPT) $(UPDATES)
EXTRA_CLEAN = build results output_iso tmp_check tmp_check_iso regression.diffs regression.out

# ---- Tests --------------------------------------------------------------------------
REGRESS = install $(filter-out install,$(sort $(basename $(notdir $(wildcard test/sql/*.sql)))))
REGRESS_OPTS = --inputdir=test
ISOLATION = $(sort $(basename $(notdir $(wildcard test/specs/*.spec))))
ISOLATION_OPTS = --inputdir=test --outputdir=. --load-extension=cloudgreet

# Debian's pg_config names a PGXS that is there only with the server's development files.
PG_CONFIG ?= pg_config
export PG_CONFIG
PGXS := $(wildcard $(shell $(PG_CONFIG) --pgxs 2>/dev/null))
ifneq ($(PGXS),)
include $(PGXS)

$(OBJS): $(wildcard src/*.h src/*/*.h) $(SCHEMA_FILES)

all: $(GATE)
$(GATE): $(GATE_NAMES:%=build/gate/%.o)
	$(CC) -pie -Wl,-z,relro,-z,now -o $@ $^ $(GATE_LIBS)
$(GATE)_debug: $(GATE_NAMES:%=build/gate_debug/%.o)
	$(CC) $(GATE_DEBUG) -o $@ $^ $(GATE_LIBS)
$(foreach dir,gate gate_debug,$(GATE_NAMES:%=build/$(dir)/%.o)): $(wildcard src/gate/*.h) Makefile
build/gate/%.o: src/gate/%.c
	@mkdir -p $(@D)
	$(CC) $(GATE_CFLAGS) $(GATE_RELEASE) $(GATE_CPPFLAGS) -c -o $@ $<
build/gate/%.o: /usr/share/%.c
	@mkdir -p $(@D)
	$(CC) $(GATE_RELEASE) -w $(GATE_CPPFLAGS) -c -o $@ $<
build/gate_debug/%.o: src/gate/%.c
	@mkdir -p $(@D)
	$(CC) $(GATE_CFLAGS) $(GATE_DEBUG) $(GATE_CPPFLAGS) -c -o $@ $<
build/gate_debug/%.o: /usr/share/%.c
	@mkdir -p $(@D)
	$(CC) $(GATE_DEBUG) -w $(GATE_CPPFLAGS) -c -o $@ $<

$(SCRIPT): $(sort $(wildcard sql/extension/*.sql)) cloudgreet.control
	@mkdir -p $(@D)
	{ printf '%s\n' '\echo Use "CREATE EXTENSION cloudgreet" to load this file. \quit'; cat $(filter %.sql,$^); } >$@

# What the step wrote by hand, and behind the step to this version all that can be replaced.
$(UPDATES): build/%: sql/update/% $(sort $(wildcard sql/extension/*.sql)) cloudgreet.control
	@mkdir -p $(@D)
	{ printf '%s\n' '\echo Use "ALTER EXTENSION cloudgreet UPDATE" to load this file. \quit'; cat $<; \
	  $(if $(filter %--$(EXTENSION_VERSION).sql,$@),sed 's/^CREATE FUNCTION/CREATE OR REPLACE FUNCTION/' $(filter sql/extension/%,$^)); } >$@

install: install-scripts
.PHONY: install-scripts
install-scripts:
	rm -rf '$(DESTDIR)$(datadir)/extension/cloudgreet'
	$(MKDIR_P) '$(DESTDIR)$(datadir)/extension/cloudgreet/schema' '$(DESTDIR)$(datadir)/extension/cloudgreet/api'
	$(INSTALL_DATA) $(SCHEMA_FILES) '$(DESTDIR)$(datadir)/extension/cloudgreet/schema/'
	$(INSTALL_DATA) $(wildcard sql/api/*.sql) '$(DESTDIR)$(datadir)/extension/cloudgreet/api/'

install: install-gate
.PHONY: install-gate
install-gate: $(GATE)
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_PROGRAM) $(GATE) '$(DESTDIR)$(pkglibdir)/cloudgreet_gate'
else
all install installcheck: setup
	@[ -z '$(SET_UP)' ] || { echo "$$(command -v $(PG_CONFIG) || echo pg_config): its PostgreSQL has no files for building extensions (postgresql-server-dev-NN); name another by PG_CONFIG" >&2; exit 1; }
	@$(MAKE) --no-print-directory SET_UP=1 $@
endif

# Installing needs the rights of whoever owns PostgreSQL's directories.
SUDO = $(shell [ "$$(id -u)" -eq 0 ] || echo sudo)

.PHONY: setup demo demo-stop test platform-17 soak bench profile check-update check-dump lint format help
setup: ## install what is missing (Debian packages)
	@test/lib/setup

demo: ## a sample business and its first call, on servers of its own that keep running (DEMO_PORT=8787)
	@demo/run check
	@test/lib/setup --run
	@echo 'demo: building and installing the extension'
	@$(MAKE) --no-print-directory -s all
	@$(SUDO) $(MAKE) --no-print-directory -s PG_CONFIG='$(PG_CONFIG)' install >/dev/null
	@demo/run start

demo-stop: ## end and remove what "make demo" started
	@demo/run stop

test: setup ## build, install, run every test and print "N passed, N failed"
	@$(MAKE) --no-print-directory -s all
	@$(SUDO) $(MAKE) --no-print-directory -s PG_CONFIG='$(PG_CONFIG)' install >/dev/null
	@test/lib/run

soak: setup ## the crash tests of sending with 20,000 messages a mode, fairness beside 100,000
	@$(MAKE) --no-print-directory -s all
	@$(SUDO) $(MAKE) --no-print-directory -s PG_CONFIG='$(PG_CONFIG)' install >/dev/null
	@NOTES=1 MESSAGES=20000 BACKLOG=100000 PROVE_TESTS='test/t/141_outbox_crash.pl test/t/142_outbox_lives.pl test/t/145_outbox_hostile.pl' test/lib/run tap

check-update check-dump: setup ## one comparison of catalogs: updated = fresh, dump-restored = fresh
	@$(MAKE) --no-print-directory -s all
	@$(SUDO) $(MAKE) --no-print-directory -s PG_CONFIG='$(PG_CONFIG)' install >/dev/null
	@PROVE_TESTS=test/t/*_$(subst -,_,$@).pl test/lib/run tap

bench: ## figures measured side by side (BENCH=gateway, gateway_faults, outbox, inbound, booking or tick)
	@test/lib/setup wrk
	@$(MAKE) --no-print-directory -s all
	@$(SUDO) $(MAKE) --no-print-directory -s PG_CONFIG='$(PG_CONFIG)' install >/dev/null
	@test/bench/$(or $(BENCH),gateway).sh

profile: ## where the CPU of a message goes (KIND=mail or text, CALLERS=1)
	@test/lib/setup linux-perf
	@$(MAKE) --no-print-directory -s all
	@$(SUDO) $(MAKE) --no-print-directory -s PG_CONFIG='$(PG_CONFIG)' install >/dev/null
	@test/bench/profile.sh

platform-17: ## every suite on Debian 13 with its PostgreSQL 17, in a root outside the tree (PLATFORM_ROOT)
	@test/lib/platform 17 make test

# ---- Lint ---------------------------------------------------------------------------
lint: setup ## formatting, shell, exports, layers, tests that nobody runs, sizes
	@$(MAKE) --no-print-directory -s -B all STRICT=1
	@test/lint/run

format: ## rewrite C files in the house style
	clang-format -i $(wildcard src/*.[ch] src/*/*.[ch])

help: ## this list (besides all, install, installcheck, clean)
	@sed -n 's/^\([a-z0-9 -]*\):.*## /\1: /p' Makefile
