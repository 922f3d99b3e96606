# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. `make check` replays damaged files through them; each
# says at its top how libFuzzer runs it.
check_PROGRAMS += tests/fuzz/fuzz_object
tests_fuzz_fuzz_object_SOURCES = tests/fuzz/fuzz_object.c
tests_fuzz_fuzz_object_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_object_LDADD = $(RTSAMPLE_LIBS)

TESTS += tests/fuzz/damaged_objects.py
EXTRA_DIST += tests/fuzz/damaged_objects.py tests/fuzz/make_object_seeds.sh
tests/fuzz/damaged_objects.log: tests/fuzz/fuzz_object$(EXEEXT)

check_PROGRAMS += tests/fuzz/fuzz_trace
tests_fuzz_fuzz_trace_SOURCES = tests/fuzz/fuzz_trace.c
tests_fuzz_fuzz_trace_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_trace_LDADD = $(RTSAMPLE_LIBS)

TESTS += tests/fuzz/damaged_traces.py
EXTRA_DIST += tests/fuzz/damaged_traces.py tests/fuzz/traced_program.c tests/fuzz/trace_files \
	tests/fuzz/trace_corpus tests/fuzz/run
tests/fuzz/damaged_traces.log: tests/fuzz/fuzz_trace$(EXEEXT)
