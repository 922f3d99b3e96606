# SPDX-License-Identifier: Apache-2.0
sending_unit_tests = \
	tests/unit/sending/test_fact_reader
check_PROGRAMS += $(sending_unit_tests)
TESTS += $(sending_unit_tests)

tests_unit_sending_test_fact_reader_SOURCES = tests/unit/sending/test_fact_reader.c
