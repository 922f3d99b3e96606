# SPDX-License-Identifier: Apache-2.0
session_unit_tests = \
	tests/unit/session/test_code_map \
	tests/unit/session/test_command \
	tests/unit/session/test_replay_settings
check_PROGRAMS += $(session_unit_tests)
TESTS += $(session_unit_tests)

tests_unit_session_test_code_map_SOURCES = tests/unit/session/test_code_map.c tests/unit/unwind/own_code.h
tests_unit_session_test_command_SOURCES = tests/unit/session/test_command.c
tests_unit_session_test_replay_settings_SOURCES = tests/unit/session/test_replay_settings.c
