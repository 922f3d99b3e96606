# SPDX-License-Identifier: Apache-2.0
binary_suites = \
	tests/unit/binary/test_build_id.c \
	tests/unit/binary/test_cfi.c \
	tests/unit/binary/test_elf_image.c \
	tests/unit/binary/test_file_index.c \
	tests/unit/binary/test_file_search.c \
	tests/unit/binary/test_file_watch.c \
	tests/unit/binary/test_go_table.c \
	tests/unit/binary/test_hash_cache.c \
	tests/unit/binary/test_object.c \
	tests/unit/binary/test_object_cache.c \
	tests/unit/binary/test_plt_code.c \
	tests/unit/binary/test_symbols.c
unit_suites += $(binary_suites)
unit_parts += tests/unit/binary/elf_maker.h \
	tests/unit/oracle.h

# Asks an object what a script wants to compare with other tools.
check_PROGRAMS += tests/unit/binary/object_query
tests_unit_binary_object_query_SOURCES = tests/unit/binary/object_query.c
TESTS += tests/e2e/binary_layouts.py tests/e2e/debug_forms.py tests/e2e/go_stripped.py
EXTRA_DIST += tests/e2e/binary_layouts.py tests/e2e/debug_forms.py tests/e2e/go_stripped.py
tests/e2e/binary_layouts.log tests/e2e/debug_forms.log tests/e2e/go_stripped.log: tests/unit/binary/object_query$(EXEEXT)
