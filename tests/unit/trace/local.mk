# SPDX-License-Identifier: Apache-2.0
trace_unit_tests = \
	tests/unit/trace/test_attrs \
	tests/unit/trace/test_bundle \
	tests/unit/trace/test_file_header \
	tests/unit/trace/test_inflate \
	tests/unit/trace/test_input \
	tests/unit/trace/test_note \
	tests/unit/trace/test_order
check_PROGRAMS += $(trace_unit_tests)
TESTS += $(trace_unit_tests)

tests_unit_trace_test_attrs_SOURCES = tests/unit/trace/test_attrs.c
tests_unit_trace_test_input_SOURCES = tests/unit/trace/test_input.c
tests_unit_trace_test_order_SOURCES = tests/unit/trace/test_order.c
tests_unit_trace_test_note_SOURCES = tests/unit/trace/test_note.c
tests_unit_trace_test_bundle_SOURCES = tests/unit/trace/test_bundle.c
tests_unit_trace_test_file_header_SOURCES = tests/unit/trace/test_file_header.c
tests_unit_trace_test_inflate_SOURCES = tests/unit/trace/test_inflate.c tests/unit/oracle.h
