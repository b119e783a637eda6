# httpbasic: the front door. `make` alone explains the targets.

LUA     ?= 5.4
PREFIX  ?= /usr
DESTDIR ?=
TARGET  ?=

CARGO    = cargo
# Debian's servers are there, which a normal user's PATH lacks.
export PATH := $(PATH):/usr/sbin:/sbin
FEATURE  = $(if $(filter luajit,$(LUA)),luajit,lua$(subst .,,$(LUA)))
# With a Lua of its own, and httpbasic-check.
CHECK    = --no-default-features --features check
VENDORED = --no-default-features --features $(1),vendored
LIBRARY  = $(or $(CARGO_TARGET_DIR),target)/release/libhttpbasic.so
# In a folder of its own, since the library there has the same name and a Lua in it.
CHECKER  = $(or $(CARGO_TARGET_DIR),target)/check
DIST     = $(or $(CARGO_TARGET_DIR),target)/dist
LUA_LIB  = $(DESTDIR)$(PREFIX)/lib/$(shell $(CC) -print-multiarch)/lua/$(LUA:luajit=5.1)

# All in the bench shares one core, since what it costs to wake another one differs from run to run, most of
# all in a virtual machine; `cargo bench --bench dovecot` takes all cores.
ONE_CORE = taskset --cpu-list "$$(taskset -cp $$$$ | sed 's/.*[^0-9]//')"

# Every shell has a USER; only one that was given to make is meant.
DEMO_USER = $(if $(filter command line,$(origin USER)),$(USER))

# Pinned: a new version comes with a look at what it newly says.
DENY_VERSION = 0.20.2
TOOLS        = $(or $(CARGO_TARGET_DIR),target)/tools

.PHONY: help deps build checker demo test test-arm64 bench pictures lint install dist deb
# The libraries for two Luas are built in one folder, one after the other.
.NOTPARALLEL:

help:
	@echo 'make demo     show a login: nginx, Dovecot and this module, on this machine only'
	@echo '              (URL=https://… USER=… asks your own server; DOVECOT=2.3 or 2.4: one that'
	@echo '              Debian here does not have is for root)'
	@echo 'make build    build the library: $(LIBRARY)'
	@echo 'make checker  build httpbasic-check: $(CHECKER)/release/httpbasic-check'
	@echo 'make test     run all tests'
	@echo 'make test-arm64  test the library for arm64, and in Dovecot 2.3 and 2.4, under QEMU (as root)'
	@echo 'make bench    measure, print the tables of docs/speed.md and draw its chart (DOVECOT=2.4)'
	@echo 'make pictures draw what httpbasic-check shows, for the documentation (as root)'
	@echo 'make lint     check style and common mistakes'
	@echo 'make install  install library, script and checker (LUA=5.4 PREFIX=/usr DESTDIR=)'
	@echo 'make dist     make the archives for Lua 5.4 and 5.3 in $(DIST)'
	@echo 'make deb      make the Debian package there, for Debian 12 and 13'
	@echo '              (both: TARGET=aarch64-unknown-linux-gnu is for arm64; on another processor, as root)'
	@echo 'make deps     install all Debian packages that these need; each of them installs its own'

deps:
	@tests/packages demo test bench lint dist hosts

build:
	@tests/packages rust
	$(CARGO) build --release --locked --no-default-features --features $(FEATURE),module

checker:
	@tests/packages rust
	$(CARGO) build --release --locked --target-dir $(CHECKER) --bin httpbasic-check $(CHECK)

demo:
	@tests/packages demo $(if $(DOVECOT),hosts)
	@$(MAKE) --no-print-directory build
	@DEMO_URL='$(URL)' DEMO_USER='$(DEMO_USER)' DEMO_DOVECOT='$(DOVECOT)' $(CARGO) test --locked --test demo

test:
	@tests/packages test hosts
	@tests/debian 12 make && tests/debian 13 make || [ "$$(id -u)" != 0 ]
	$(CARGO) test --locked -- $(if $(filter-out 0,$(shell id -u)),--skip dovecot_2_4 --skip on_debian)
	$(CARGO) test --locked $(CHECK) --lib --test check --test hostile --test faults --test soak --test tls --test servers
	set -e; for lua in lua54 lua53 lua51 luajit; do \
		$(CARGO) test --locked $(call VENDORED,$$lua) --test interface --test base64 --test base64_random; \
	done

test-arm64:
	@tests/packages test hosts
	@tests/debian 13-arm64 make
	tests/debian 13 cross CARGO_TARGET_DIR=$(abspath $(or $(CARGO_TARGET_DIR),target))/debian13-target \
		cargo test --locked --target aarch64-unknown-linux-gnu $(call VENDORED,lua54) \
		--lib --test interface --test base64 --test base64_random --test hostile
	$(CARGO) test --locked --test arm64 -- --include-ignored

bench:
	@tests/packages bench $(if $(DOVECOT),hosts)
	@$(MAKE) --no-print-directory build
	$(CARGO) bench --locked --bench base64
	$(CARGO) bench --locked --bench dovecot --no-run
	DOVECOT='$(DOVECOT)' $(ONE_CORE) $(CARGO) bench --locked --bench dovecot

pictures:
	@tests/packages test
	DRAW_PICTURES=1 $(CARGO) test --locked $(CHECK) --test check picture

lint:
	@tests/packages lint
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets $(CHECK) -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --quiet
	# Unoptimised, in half the time; built once and kept.
	$(CARGO) install --quiet --locked --debug --root $(TOOLS) cargo-deny@$(DENY_VERSION)
	$(TOOLS)/bin/cargo-deny --locked check --deny warnings licenses bans sources
	@cmp --silent .ci/actionlint.txt $(TOOLS)/actionlint/made-of || { rm -rf $(TOOLS)/actionlint && \
		python3 -m venv $(TOOLS)/actionlint && \
		$(TOOLS)/actionlint/bin/pip install --quiet --require-hashes --requirement .ci/actionlint.txt && \
		cp .ci/actionlint.txt $(TOOLS)/actionlint/made-of; }
	$(TOOLS)/actionlint/bin/actionlint
	luacheck --quiet lua
	shellcheck --external-sources tests/packages tests/debian packages/facts packages/library packages/checker packages/licenses packages/archive packages/deb packages/docker packages/numbers packages/postinst .ci/run

install: build checker
	install -d $(LUA_LIB) $(DESTDIR)/etc/dovecot/lua
	install -m 644 $(LIBRARY) $(LUA_LIB)/httpbasic.so
	install -D -m 755 $(CHECKER)/release/httpbasic-check $(DESTDIR)$(PREFIX)/bin/httpbasic-check
	# An edited script stays; the new one then lies beside it.
	file=$(DESTDIR)/etc/dovecot/lua/auth-httpbasic.lua; \
	if [ -e "$$file" ]; then file=$$file.new; fi; \
	install -m 644 lua/auth-httpbasic.lua "$$file"

dist:
	@tests/packages dist $(if $(TARGET),hosts)
	@TARGET=$(TARGET) packages/archive 5.4 5.3

deb:
	@tests/packages dist $(if $(TARGET),hosts)
	@TARGET=$(TARGET) packages/deb
