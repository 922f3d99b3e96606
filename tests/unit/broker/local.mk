# SPDX-License-Identifier: Apache-2.0
broker_suites = \
	tests/unit/broker/test_broker.c \
	tests/unit/broker/test_folder.c \
	tests/unit/broker/test_given_up.c \
	tests/unit/broker/test_memory_window.c \
	tests/unit/broker/test_rights.c \
	tests/unit/broker/test_tree.c \
	tests/unit/broker/test_wire.c
unit_suites += $(broker_suites)

# It has functions of its own in the place of another stage's, so it is a program of its own.
unit_programs += tests/unit/broker/test_lies
tests_unit_broker_test_lies_SOURCES = tests/unit/broker/test_lies.c tests/unit/unit.c
unit_parts += tests/unit/oracle.h
