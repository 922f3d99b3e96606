# SPDX-License-Identifier: Apache-2.0
# What others make of the same input, as programs of their own: scripts in tests/e2e run them.
check_PROGRAMS += tests/oracles/cfi_rows
tests_oracles_cfi_rows_SOURCES = tests/oracles/cfi_rows.c \
	tests/oracles/difference.c tests/oracles/difference.h tests/oracles/kinds.c \
	tests/oracles/module.c tests/oracles/module.h \
	tests/oracles/opinion.h tests/oracles/opinion_libdw.c tests/oracles/opinion_libunwind.c \
	tests/oracles/opinion_rules.c tests/oracles/synthetic.c
tests_oracles_cfi_rows_LDADD = $(RTSAMPLE_LIBS)
EXTRA_DIST += tests/oracles/last-results tests/oracles/odd_rows.s
