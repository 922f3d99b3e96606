# SPDX-License-Identifier: Apache-2.0
top_unit_tests = \
	tests/unit/test_code_map \
	tests/unit/test_command \
	tests/unit/test_settings
check_PROGRAMS += $(top_unit_tests)
TESTS += $(top_unit_tests)

tests_unit_test_code_map_SOURCES = tests/unit/test_code_map.c tests/unit/unwind/own_code.h
tests_unit_test_command_SOURCES = tests/unit/test_command.c
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c tests/unit/oracle.h
