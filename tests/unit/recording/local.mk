# SPDX-License-Identifier: Apache-2.0
recording_unit_tests = \
	tests/unit/recording/test_recorded_settings
check_PROGRAMS += $(recording_unit_tests)
TESTS += $(recording_unit_tests)

tests_unit_recording_test_recorded_settings_SOURCES = tests/unit/recording/test_recorded_settings.c
