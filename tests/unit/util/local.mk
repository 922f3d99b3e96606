# SPDX-License-Identifier: Apache-2.0
util_unit_tests = \
	tests/unit/util/test_base64url \
	tests/unit/util/test_buffer \
	tests/unit/util/test_clock \
	tests/unit/util/test_cursor \
	tests/unit/util/test_error \
	tests/unit/util/test_file_replace \
	tests/unit/util/test_heap \
	tests/unit/util/test_hex \
	tests/unit/util/test_json \
	tests/unit/util/test_json_scan \
	tests/unit/util/test_json_text \
	tests/unit/util/test_ledger \
	tests/unit/util/test_nearest \
	tests/unit/util/test_notify \
	tests/unit/util/test_open_below \
	tests/unit/util/test_output_file \
	tests/unit/util/test_own_folder \
	tests/unit/util/test_own_memory \
	tests/unit/util/test_sha256 \
	tests/unit/util/test_share \
	tests/unit/util/test_short_name \
	tests/unit/util/test_table \
	tests/unit/util/test_time_namespace \
	tests/unit/util/test_utf8 \
	tests/unit/util/test_visible
check_PROGRAMS += $(util_unit_tests)
TESTS += $(util_unit_tests)

tests_unit_util_test_base64url_SOURCES = tests/unit/util/test_base64url.c tests/unit/oracle.h
tests_unit_util_test_short_name_SOURCES = tests/unit/util/test_short_name.c tests/unit/oracle.h
tests_unit_util_test_ledger_SOURCES = tests/unit/util/test_ledger.c
tests_unit_util_test_buffer_SOURCES = tests/unit/util/test_buffer.c
tests_unit_util_test_clock_SOURCES = tests/unit/util/test_clock.c tests/unit/oracle.h
tests_unit_util_test_cursor_SOURCES = tests/unit/util/test_cursor.c
tests_unit_util_test_file_replace_SOURCES = tests/unit/util/test_file_replace.c
tests_unit_util_test_notify_SOURCES = tests/unit/util/test_notify.c
tests_unit_util_test_own_memory_SOURCES = tests/unit/util/test_own_memory.c
tests_unit_util_test_heap_SOURCES = tests/unit/util/test_heap.c
tests_unit_util_test_hex_SOURCES = tests/unit/util/test_hex.c
tests_unit_util_test_json_SOURCES = tests/unit/util/test_json.c tests/unit/oracle.h
tests_unit_util_test_json_scan_SOURCES = tests/unit/util/test_json_scan.c
tests_unit_util_test_json_text_SOURCES = tests/unit/util/test_json_text.c
tests_unit_util_test_nearest_SOURCES = tests/unit/util/test_nearest.c
tests_unit_util_test_open_below_SOURCES = tests/unit/util/test_open_below.c
tests_unit_util_test_time_namespace_SOURCES = \
	tests/unit/util/test_time_namespace.c tests/unit/oracle.h
tests_unit_util_test_sha256_SOURCES = tests/unit/util/test_sha256.c tests/unit/oracle.h
tests_unit_util_test_share_SOURCES = tests/unit/util/test_share.c
tests_unit_util_test_table_SOURCES = tests/unit/util/test_table.c
tests_unit_util_test_utf8_SOURCES = tests/unit/util/test_utf8.c tests/unit/oracle.h
tests_unit_util_test_visible_SOURCES = tests/unit/util/test_visible.c tests/unit/oracle.h
tests_unit_util_test_output_file_SOURCES = tests/unit/util/test_output_file.c
tests_unit_util_test_own_folder_SOURCES = tests/unit/util/test_own_folder.c
tests_unit_util_test_error_SOURCES = tests/unit/util/test_error.c
