# SPDX-License-Identifier: Apache-2.0
outlets_unit_tests = \
	tests/unit/outlets/test_held_lines
check_PROGRAMS += $(outlets_unit_tests)
TESTS += $(outlets_unit_tests)

tests_unit_outlets_test_held_lines_SOURCES = tests/unit/outlets/test_held_lines.c
