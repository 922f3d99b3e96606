# SPDX-License-Identifier: Apache-2.0
# The scenarios, in TAP: each starts what it samples and checks what rtsample says about it.
e2e_scripts = \
	tests/e2e/programs.py \
	tests/e2e/targets.py \
	tests/e2e/files.py \
	tests/e2e/storms.py \
	tests/e2e/bad_input.py \
	tests/e2e/gdb.py \
	tests/e2e/losses.py \
	tests/e2e/settings.py \
	tests/e2e/send.py \
	tests/e2e/guards.py \
	tests/e2e/metrics.py \
	tests/e2e/service.py \
	tests/e2e/versus_perf.py \
	tests/e2e/kernels.py

# These run the delivery by itself, through a program of the unit tests.
delivery_scripts = \
	tests/e2e/delivery.py \
	tests/e2e/delivery_crash.py \
	tests/e2e/delivery_tls.py

TESTS += $(e2e_scripts) $(delivery_scripts)
EXTRA_DIST += tests/e2e/lib.py $(e2e_scripts) \
	tests/e2e/delivery_lib.py tests/e2e/delivery_server.py tests/e2e/failing_disk.c \
	$(delivery_scripts)
$(e2e_scripts:.py=.log): src/rtsample$(EXEEXT)
if HAVE_CMOCKA
$(delivery_scripts:.py=.log): tests/unit/delivery/delivery_driver$(EXEEXT)
endif
