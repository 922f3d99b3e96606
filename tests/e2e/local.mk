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
	tests/e2e/versus_perf.py

TESTS += $(e2e_scripts)
EXTRA_DIST += tests/e2e/lib.py $(e2e_scripts)
$(e2e_scripts:.py=.log): src/rtsample$(EXEEXT)
