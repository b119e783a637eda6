# The main targets of httpbasic. `make` without a target explains them.

LUA     ?= 5.4
PREFIX  ?= /usr
DESTDIR ?=
TARGET  ?=

CARGO    = cargo
# Debian's servers are in these folders, which are not in a normal user's PATH.
export PATH := $(PATH):/usr/sbin:/sbin
FEATURE  = $(if $(filter luajit,$(LUA)),luajit,lua$(subst .,,$(LUA)))
# The features of httpbasic-check, which include a Lua of its own.
CHECK    = --no-default-features --features check
VENDORED = --no-default-features --features $(1),vendored
LIBRARY  = $(or $(CARGO_TARGET_DIR),target)/release/libhttpbasic.so
# A separate folder, because the library that is built there has the same name but contains a Lua.
CHECKER  = $(or $(CARGO_TARGET_DIR),target)/check
DIST     = $(or $(CARGO_TARGET_DIR),target)/dist
LUA_LIB  = $(DESTDIR)$(PREFIX)/lib/$(shell $(CC) -print-multiarch)/lua/$(LUA:luajit=5.1)

# Runs all processes of the bench on one core. The cost of waking another core varies from run to run, above
# all in a virtual machine. `cargo bench --bench dovecot` uses all cores.
ONE_CORE = taskset --cpu-list "$$(taskset -cp $$$$ | sed 's/.*[^0-9]//')"

# Every shell sets USER, so only a USER on make's command line counts.
DEMO_USER = $(if $(filter command line,$(origin USER)),$(USER))

# Pinned, because a new version may report new problems.
DENY_VERSION = 0.20.2
TOOLS        = $(or $(CARGO_TARGET_DIR),target)/tools

.PHONY: help deps build checker demo test test-arm64 bench pictures lint install dist deb
# The libraries for several Luas are built in the same folder, so they must be built one after the other.
.NOTPARALLEL:

help:
	@echo 'make demo     show logins through nginx, Dovecot and this module, on this machine only'
	@echo '              (URL=https://… USER=… uses your own server; DOVECOT=2.3 or 2.4 selects the'
	@echo '              version, and needs root for the version that this Debian does not have)'
	@echo 'make build    build the library: $(LIBRARY)'
	@echo 'make checker  build httpbasic-check: $(CHECKER)/release/httpbasic-check'
	@echo 'make test     run all tests'
	@echo 'make test-arm64  test the library for arm64, and in Dovecot 2.3 and 2.4, under QEMU (as root)'
	@echo 'make bench    run the benchmarks, print the tables of docs/speed.md and draw its chart (DOVECOT=2.4)'
	@echo 'make pictures draw the picture of httpbasic-check for the documentation (as root)'
	@echo 'make lint     check style and common mistakes'
	@echo 'make install  install library, script and checker (LUA=5.4 PREFIX=/usr DESTDIR=)'
	@echo 'make dist     build the archives for Lua 5.4 and 5.3 in $(DIST)'
	@echo 'make deb      build the Debian package for Debian 12 and 13, in the same folder'
	@echo '              (both: TARGET=aarch64-unknown-linux-gnu builds for arm64, as root on another processor)'
	@echo 'make deps     install the Debian packages for all targets; each target also installs its own'

deps:
	@tools/packages demo test bench lint dist hosts

build:
	@tools/packages rust
	$(CARGO) build --release --locked --no-default-features --features $(FEATURE),module

checker:
	@tools/packages rust
	$(CARGO) build --release --locked --target-dir $(CHECKER) --bin httpbasic-check $(CHECK)

demo:
	@tools/packages demo $(if $(DOVECOT),hosts)
	@$(MAKE) --no-print-directory build
	@DEMO_URL='$(URL)' DEMO_USER='$(DEMO_USER)' DEMO_DOVECOT='$(DOVECOT)' $(CARGO) test --locked --test demo

test:
	@tools/packages test hosts
	@tools/debian 12 make && tools/debian 13 make || [ "$$(id -u)" != 0 ]
	$(CARGO) test --locked -- $(if $(filter-out 0,$(shell id -u)),--skip dovecot_2_4 --skip on_debian)
	$(CARGO) test --locked $(CHECK) --lib --test embedded --test soak -- $(if $(filter-out 0,$(shell id -u)),--skip on_debian)
	set -e; for lua in lua53 lua51 luajit; do \
		$(CARGO) test --locked $(call VENDORED,$$lua) --test embedded; \
	done

# The folder for arm64 has no nginx. The last line asks one over TLS.
test-arm64: WITHOUT_NGINX = --skip tls_is_1_2_or_1_3_and_nothing_older
test-arm64:
	@tools/packages test hosts
	@tools/debian 13-arm64 make
	# Under emulation, unoptimised tests take several times as long.
	tools/debian 13 cross CARGO_TARGET_DIR=$(abspath $(or $(CARGO_TARGET_DIR),target))/debian13-target \
		CARGO_PROFILE_DEV_OPT_LEVEL=2 \
		sh -ec 'test="cargo test --locked --target aarch64-unknown-linux-gnu $(call VENDORED,lua54)"; \
			$$test --lib; $$test --test embedded -- interface:: base64 hostile:: $(WITHOUT_NGINX)'
	$(CARGO) test --locked --test release arm64 -- --include-ignored

bench:
	@tools/packages bench $(if $(DOVECOT),hosts)
	@$(MAKE) --no-print-directory build
	$(CARGO) bench --locked --bench base64
	$(CARGO) bench --locked --bench dovecot --no-run
	DOVECOT='$(DOVECOT)' $(ONE_CORE) $(CARGO) bench --locked --bench dovecot

pictures:
	@tools/packages test
	DRAW_PICTURES=1 $(CARGO) test --locked $(CHECK) --test embedded check::picture

lint:
	@tools/packages lint
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets $(CHECK) -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --quiet
	# A debug build takes half the time. It is built once and kept.
	$(CARGO) install --quiet --locked --debug --root $(TOOLS) cargo-deny@$(DENY_VERSION)
	$(TOOLS)/bin/cargo-deny --locked check --deny warnings licenses bans sources
	@cmp --silent .ci/actionlint.txt $(TOOLS)/actionlint/made-of || { rm -rf $(TOOLS)/actionlint && \
		python3 -m venv $(TOOLS)/actionlint && \
		$(TOOLS)/actionlint/bin/pip install --quiet --require-hashes --requirement .ci/actionlint.txt && \
		cp .ci/actionlint.txt $(TOOLS)/actionlint/made-of; }
	$(TOOLS)/actionlint/bin/actionlint
	luacheck --quiet lua
	shellcheck --external-sources tools/packages tools/debian packages/facts packages/library packages/checker packages/licenses packages/archive packages/deb packages/docker packages/numbers packages/postinst .ci/run findings/*.sh

install: build checker
	install -d $(LUA_LIB) $(DESTDIR)/etc/dovecot/lua
	install -m 644 $(LIBRARY) $(LUA_LIB)/httpbasic.so
	install -D -m 755 $(CHECKER)/release/httpbasic-check $(DESTDIR)$(PREFIX)/bin/httpbasic-check
	# An existing script may have been edited, so the new one gets another name.
	file=$(DESTDIR)/etc/dovecot/lua/auth-httpbasic.lua; \
	if [ -e "$$file" ]; then file=$$file.new; fi; \
	install -m 644 lua/auth-httpbasic.lua "$$file"

dist:
	@tools/packages dist $(if $(TARGET),hosts)
	@TARGET=$(TARGET) packages/archive 5.4 5.3

deb:
	@tools/packages dist $(if $(TARGET),hosts)
	@TARGET=$(TARGET) packages/deb
