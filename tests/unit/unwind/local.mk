# SPDX-License-Identifier: Apache-2.0
unwind_suites = \
	tests/unit/unwind/test_architecture.c \
	tests/unit/unwind/test_compare.c \
	tests/unit/unwind/test_expression.c \
	tests/unit/unwind/test_hostile.c \
	tests/unit/unwind/test_rule.c \
	tests/unit/unwind/test_rule_cache.c \
	tests/unit/unwind/test_step.c \
	tests/unit/unwind/test_text.c \
	tests/unit/unwind/test_undefined.c \
	tests/unit/unwind/test_unwind.c
unit_suites += $(unwind_suites)
unit_parts += tests/unit/oracle.h \
	tests/unit/unwind/own_code.h
