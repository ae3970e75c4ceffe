# A small front to meson. `make` leaves build/bocal, with build/bocal-runtime and build/container beside it.
PREFIX ?= /usr/local
BUILD ?= build
MESON_FLAGS ?=

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	meson setup $(BUILD) --prefix $(PREFIX) $(MESON_FLAGS)

install: $(BUILD)/build.ninja
	@meson configure $(BUILD) -Dprefix="$(PREFIX)"
	@ninja -C $(BUILD)
	meson install -C $(BUILD) --no-rebuild $(if $(DESTDIR),--destdir "$(abspath $(DESTDIR))")

# Test builds: faults can be injected; and sanitizers.
fault-build:
	@$(MAKE) --no-print-directory BUILD=build-fault MESON_FLAGS="-Dfault=true"
sanitizer-build:
	@$(MAKE) --no-print-directory BUILD=build-sanitize \
	    MESON_FLAGS="-Dfault=true -Dsanitize=address,undefined -Dbuildtype=debugoptimized"

test: all fault-build sanitizer-build
	tests/run

# The same, and the command tests on more kernels and under systemd.
test-vm: all fault-build sanitizer-build
	tests/run --vm all

# Images of Debian's packages, compared with what umoci and Podman make of them, and run.
test-images: all
	tests/images/real --own-users $(BUILD)/bocal

bench: all
	tests/bench/run --bocal $(BUILD)/bocal
	tests/bench/operations --bocal $(BUILD)/bocal

lint:
	tests/lint

clean:
	rm -rf build build-fault build-sanitize build-clang build-zlib

.PHONY: all install fault-build sanitizer-build test test-vm test-images bench lint clean
