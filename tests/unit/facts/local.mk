# SPDX-License-Identifier: Apache-2.0
facts_suites = \
	tests/unit/facts/test_account.c \
	tests/unit/facts/test_budget.c \
	tests/unit/facts/test_checked_line.c \
	tests/unit/facts/test_evidence.c \
	tests/unit/facts/test_metrics.c \
	tests/unit/facts/test_observed_graph.c \
	tests/unit/facts/test_outgoing.c \
	tests/unit/facts/test_stack_table.c \
	tests/unit/facts/test_window.c
unit_suites += $(facts_suites)
unit_parts += tests/unit/oracle.h
