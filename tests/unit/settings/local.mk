# SPDX-License-Identifier: Apache-2.0
settings_unit_tests = \
	tests/unit/settings/test_settings \
	tests/unit/settings/test_settings_environment \
	tests/unit/settings/test_settings_file \
	tests/unit/settings/test_settings_keys \
	tests/unit/settings/test_settings_layers
check_PROGRAMS += $(settings_unit_tests)
TESTS += $(settings_unit_tests)

tests_unit_settings_test_settings_SOURCES = tests/unit/settings/test_settings.c tests/unit/oracle.h
tests_unit_settings_test_settings_environment_SOURCES = tests/unit/settings/test_settings_environment.c
tests_unit_settings_test_settings_file_SOURCES = tests/unit/settings/test_settings_file.c tests/unit/oracle.h
tests_unit_settings_test_settings_keys_SOURCES = tests/unit/settings/test_settings_keys.c
tests_unit_settings_test_settings_layers_SOURCES = tests/unit/settings/test_settings_layers.c
