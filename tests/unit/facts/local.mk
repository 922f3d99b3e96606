# SPDX-License-Identifier: Apache-2.0
facts_unit_tests = \
	tests/unit/facts/test_account \
	tests/unit/facts/test_budget \
	tests/unit/facts/test_checked_line \
	tests/unit/facts/test_cpu_guard \
	tests/unit/facts/test_evidence \
	tests/unit/facts/test_guard \
	tests/unit/facts/test_metrics \
	tests/unit/facts/test_observed_graph \
	tests/unit/facts/test_outgoing \
	tests/unit/facts/test_rate_limit \
	tests/unit/facts/test_ratio \
	tests/unit/facts/test_stack_table \
	tests/unit/facts/test_window
check_PROGRAMS += $(facts_unit_tests)
TESTS += $(facts_unit_tests)

tests_unit_facts_test_account_SOURCES = tests/unit/facts/test_account.c tests/unit/oracle.h
tests_unit_facts_test_budget_SOURCES = tests/unit/facts/test_budget.c
tests_unit_facts_test_cpu_guard_SOURCES = tests/unit/facts/test_cpu_guard.c
tests_unit_facts_test_evidence_SOURCES = tests/unit/facts/test_evidence.c
tests_unit_facts_test_guard_SOURCES = tests/unit/facts/test_guard.c
tests_unit_facts_test_metrics_SOURCES = tests/unit/facts/test_metrics.c tests/unit/oracle.h
tests_unit_facts_test_observed_graph_SOURCES = tests/unit/facts/test_observed_graph.c
tests_unit_facts_test_outgoing_SOURCES = tests/unit/facts/test_outgoing.c
tests_unit_facts_test_rate_limit_SOURCES = tests/unit/facts/test_rate_limit.c
tests_unit_facts_test_ratio_SOURCES = tests/unit/facts/test_ratio.c
tests_unit_facts_test_stack_table_SOURCES = tests/unit/facts/test_stack_table.c
tests_unit_facts_test_window_SOURCES = tests/unit/facts/test_window.c tests/unit/oracle.h
tests_unit_facts_test_checked_line_SOURCES = tests/unit/facts/test_checked_line.c tests/unit/oracle.h
