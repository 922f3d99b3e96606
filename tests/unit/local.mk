# SPDX-License-Identifier: Apache-2.0
top_unit_tests = \
	tests/unit/test_code_map \
	tests/unit/test_command \
	tests/unit/test_fact_line \
	tests/unit/test_fact_reader \
	tests/unit/test_file_index \
	tests/unit/test_held_lines \
	tests/unit/test_settings \
	tests/unit/test_settings_environment \
	tests/unit/test_settings_file \
	tests/unit/test_settings_keys \
	tests/unit/test_settings_layers
check_PROGRAMS += $(top_unit_tests)
TESTS += $(top_unit_tests)

tests_unit_test_code_map_SOURCES = tests/unit/test_code_map.c tests/unit/unwind/own_code.h
tests_unit_test_command_SOURCES = tests/unit/test_command.c
tests_unit_test_settings_SOURCES = tests/unit/test_settings.c tests/unit/oracle.h
tests_unit_test_fact_line_SOURCES = tests/unit/test_fact_line.c tests/unit/oracle.h
tests_unit_test_fact_reader_SOURCES = tests/unit/test_fact_reader.c
tests_unit_test_file_index_SOURCES = tests/unit/test_file_index.c
tests_unit_test_held_lines_SOURCES = tests/unit/test_held_lines.c
tests_unit_test_settings_environment_SOURCES = tests/unit/test_settings_environment.c
tests_unit_test_settings_file_SOURCES = tests/unit/test_settings_file.c tests/unit/oracle.h
tests_unit_test_settings_keys_SOURCES = tests/unit/test_settings_keys.c
tests_unit_test_settings_layers_SOURCES = tests/unit/test_settings_layers.c
