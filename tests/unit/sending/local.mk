# SPDX-License-Identifier: Apache-2.0
sending_suites = \
	tests/unit/sending/test_fact_reader.c
unit_suites += $(sending_suites)
