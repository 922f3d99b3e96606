# SPDX-License-Identifier: Apache-2.0
report_suites = \
	tests/unit/report/test_number.c \
	tests/unit/report/test_status_line.c \
	tests/unit/report/test_summary.c
unit_suites += $(report_suites)
