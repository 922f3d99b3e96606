# SPDX-License-Identifier: Apache-2.0
binary_unit_tests = \
	tests/unit/binary/test_build_id \
	tests/unit/binary/test_cfi \
	tests/unit/binary/test_elf_image \
	tests/unit/binary/test_file_index \
	tests/unit/binary/test_file_search \
	tests/unit/binary/test_file_watch \
	tests/unit/binary/test_go_table \
	tests/unit/binary/test_hash_cache \
	tests/unit/binary/test_object \
	tests/unit/binary/test_object_cache \
	tests/unit/binary/test_plt_code \
	tests/unit/binary/test_symbols
check_PROGRAMS += $(binary_unit_tests)
TESTS += $(binary_unit_tests)

tests_unit_binary_test_build_id_SOURCES = tests/unit/binary/test_build_id.c tests/unit/binary/elf_maker.h
tests_unit_binary_test_cfi_SOURCES = tests/unit/binary/test_cfi.c
tests_unit_binary_test_elf_image_SOURCES = \
	tests/unit/binary/test_elf_image.c tests/unit/binary/elf_maker.h tests/unit/oracle.h
tests_unit_binary_test_file_search_SOURCES = \
	tests/unit/binary/test_file_search.c tests/unit/binary/elf_maker.h tests/unit/oracle.h
tests_unit_binary_test_file_watch_SOURCES = tests/unit/binary/test_file_watch.c
tests_unit_binary_test_go_table_SOURCES = tests/unit/binary/test_go_table.c tests/unit/binary/elf_maker.h
tests_unit_binary_test_hash_cache_SOURCES = tests/unit/binary/test_hash_cache.c tests/unit/oracle.h
tests_unit_binary_test_object_SOURCES = \
	tests/unit/binary/test_object.c tests/unit/binary/elf_maker.h tests/unit/oracle.h
tests_unit_binary_test_object_cache_SOURCES = \
	tests/unit/binary/test_object_cache.c tests/unit/binary/elf_maker.h tests/unit/oracle.h
tests_unit_binary_test_plt_code_SOURCES = tests/unit/binary/test_plt_code.c
tests_unit_binary_test_symbols_SOURCES = tests/unit/binary/test_symbols.c tests/unit/binary/elf_maker.h tests/unit/oracle.h

# Asks an object what a script wants to compare with other tools.
check_PROGRAMS += tests/unit/binary/object_query
tests_unit_binary_object_query_SOURCES = tests/unit/binary/object_query.c
TESTS += tests/e2e/binary_layouts.py tests/e2e/debug_forms.py tests/e2e/go_stripped.py
EXTRA_DIST += tests/e2e/binary_layouts.py tests/e2e/debug_forms.py tests/e2e/go_stripped.py
tests/e2e/binary_layouts.log tests/e2e/debug_forms.log tests/e2e/go_stripped.log: tests/unit/binary/object_query$(EXEEXT)
tests_unit_binary_test_file_index_SOURCES = tests/unit/binary/test_file_index.c
