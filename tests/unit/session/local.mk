# SPDX-License-Identifier: Apache-2.0
session_unit_tests = \
	tests/unit/session/test_line
check_PROGRAMS += $(session_unit_tests)
TESTS += $(session_unit_tests)

tests_unit_session_test_line_SOURCES = tests/unit/session/test_line.c
