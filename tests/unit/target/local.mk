# SPDX-License-Identifier: Apache-2.0
target_unit_tests = \
	tests/unit/target/test_command
check_PROGRAMS += $(target_unit_tests)
TESTS += $(target_unit_tests)

tests_unit_target_test_command_SOURCES = tests/unit/target/test_command.c
