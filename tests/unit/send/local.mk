# SPDX-License-Identifier: Apache-2.0
send_suites = \
	tests/unit/send/test_fact_reader.c
unit_suites += $(send_suites)
