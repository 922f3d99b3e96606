# SPDX-License-Identifier: Apache-2.0
util_suites = \
	tests/unit/util/test_base64url.c \
	tests/unit/util/test_buffer.c \
	tests/unit/util/test_clock.c \
	tests/unit/util/test_cursor.c \
	tests/unit/util/test_error.c \
	tests/unit/util/test_file_replace.c \
	tests/unit/util/test_heap.c \
	tests/unit/util/test_hex.c \
	tests/unit/util/test_json.c \
	tests/unit/util/test_json_scan.c \
	tests/unit/util/test_json_text.c \
	tests/unit/util/test_ledger.c \
	tests/unit/util/test_nearest.c \
	tests/unit/util/test_notify.c \
	tests/unit/util/test_open_below.c \
	tests/unit/util/test_output_file.c \
	tests/unit/util/test_own_folder.c \
	tests/unit/util/test_own_memory.c \
	tests/unit/util/test_sha256.c \
	tests/unit/util/test_share.c \
	tests/unit/util/test_short_name.c \
	tests/unit/util/test_table.c \
	tests/unit/util/test_time_namespace.c \
	tests/unit/util/test_utf8.c \
	tests/unit/util/test_visible.c
unit_suites += $(util_suites)
unit_parts += tests/unit/oracle.h
