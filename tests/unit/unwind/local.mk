# SPDX-License-Identifier: Apache-2.0
unwind_unit_tests = \
	tests/unit/unwind/test_architecture \
	tests/unit/unwind/test_expression \
	tests/unit/unwind/test_hostile \
	tests/unit/unwind/test_rule \
	tests/unit/unwind/test_step \
	tests/unit/unwind/test_text \
	tests/unit/unwind/test_unwind
check_PROGRAMS += $(unwind_unit_tests)
TESTS += $(unwind_unit_tests)

tests_unit_unwind_test_architecture_SOURCES = tests/unit/unwind/test_architecture.c
tests_unit_unwind_test_expression_SOURCES = tests/unit/unwind/test_expression.c
tests_unit_unwind_test_hostile_SOURCES = \
	tests/unit/unwind/test_hostile.c tests/unit/unwind/own_code.h
tests_unit_unwind_test_rule_SOURCES = tests/unit/unwind/test_rule.c tests/unit/oracle.h
tests_unit_unwind_test_step_SOURCES = tests/unit/unwind/test_step.c
tests_unit_unwind_test_text_SOURCES = tests/unit/unwind/test_text.c
tests_unit_unwind_test_unwind_SOURCES = \
	tests/unit/unwind/test_unwind.c tests/unit/unwind/own_code.h
