# SPDX-License-Identifier: Apache-2.0
# Fuzz targets. `make check` replays damaged files through them; each
# says at its top how libFuzzer runs it.
check_PROGRAMS += tests/fuzz/fuzz_object
tests_fuzz_fuzz_object_SOURCES = tests/fuzz/fuzz_object.c tests/fuzz/fuzz_main.h
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
	tests/fuzz/trace_corpus tests/fuzz/run tests/fuzz/last-results
tests/fuzz/damaged_traces.log: tests/fuzz/fuzz_trace$(EXEEXT)

# Those that take bytes: their seeds, damaged, and what the fuzzers found worth keeping.
fuzz_bytes = tests/fuzz/fuzz_broker tests/fuzz/fuzz_dwarf tests/fuzz/fuzz_go \
	tests/fuzz/fuzz_linked tests/fuzz/fuzz_memory tests/fuzz/fuzz_proc tests/fuzz/fuzz_texts
check_PROGRAMS += $(fuzz_bytes)
tests_fuzz_fuzz_broker_SOURCES = tests/fuzz/fuzz_broker.c tests/fuzz/fuzz_main.h \
	tests/fuzz/fuzz_folder.h
tests_fuzz_fuzz_broker_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_broker_LDADD = $(RTSAMPLE_LIBS)
tests_fuzz_fuzz_dwarf_SOURCES = tests/fuzz/fuzz_dwarf.c tests/fuzz/fuzz_main.h \
	tests/fuzz/fuzz_elf.h tests/fuzz/fuzz_folder.h
tests_fuzz_fuzz_dwarf_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_dwarf_LDADD = $(RTSAMPLE_LIBS)
tests_fuzz_fuzz_go_SOURCES = tests/fuzz/fuzz_go.c tests/fuzz/fuzz_main.h
tests_fuzz_fuzz_go_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_go_LDADD = $(RTSAMPLE_LIBS)
tests_fuzz_fuzz_linked_SOURCES = tests/fuzz/fuzz_linked.c tests/fuzz/fuzz_main.h \
	tests/fuzz/fuzz_elf.h tests/fuzz/fuzz_purl.h
tests_fuzz_fuzz_linked_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_linked_LDADD = $(RTSAMPLE_LIBS)
tests_fuzz_fuzz_memory_SOURCES = tests/fuzz/fuzz_memory.c tests/fuzz/fuzz_main.h \
	tests/fuzz/fuzz_folder.h
tests_fuzz_fuzz_memory_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_memory_LDADD = $(RTSAMPLE_LIBS)
tests_fuzz_fuzz_proc_SOURCES = tests/fuzz/fuzz_proc.c tests/fuzz/fuzz_main.h \
	tests/fuzz/fuzz_folder.h
tests_fuzz_fuzz_proc_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_proc_LDADD = $(RTSAMPLE_LIBS)
tests_fuzz_fuzz_texts_SOURCES = tests/fuzz/fuzz_texts.c tests/fuzz/fuzz_main.h \
	tests/fuzz/fuzz_folder.h tests/fuzz/fuzz_purl.h
tests_fuzz_fuzz_texts_CPPFLAGS = $(AM_CPPFLAGS) -DRTS_FUZZ_MAIN
tests_fuzz_fuzz_texts_LDADD = $(RTSAMPLE_LIBS)

TESTS += tests/fuzz/damaged_bytes.py
EXTRA_DIST += tests/fuzz/damaged_bytes.py tests/fuzz/seeds.py \
	tests/fuzz/broker_corpus tests/fuzz/dwarf_corpus tests/fuzz/go_corpus tests/fuzz/linked_corpus \
	tests/fuzz/memory_corpus tests/fuzz/proc_corpus tests/fuzz/texts_corpus
tests/fuzz/damaged_bytes.log: $(fuzz_bytes:=$(EXEEXT))
