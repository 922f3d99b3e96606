# SPDX-License-Identifier: Apache-2.0
report_unit_tests = \
	tests/unit/report/test_number \
	tests/unit/report/test_status_line \
	tests/unit/report/test_summary
check_PROGRAMS += $(report_unit_tests)
TESTS += $(report_unit_tests)

tests_unit_report_test_number_SOURCES = tests/unit/report/test_number.c
tests_unit_report_test_status_line_SOURCES = tests/unit/report/test_status_line.c
tests_unit_report_test_summary_SOURCES = tests/unit/report/test_summary.c
