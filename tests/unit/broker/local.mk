# SPDX-License-Identifier: Apache-2.0
broker_unit_tests = \
	tests/unit/broker/test_broker \
	tests/unit/broker/test_given_up \
	tests/unit/broker/test_lies \
	tests/unit/broker/test_memory_window \
	tests/unit/broker/test_rights \
	tests/unit/broker/test_tree \
	tests/unit/broker/test_wire
check_PROGRAMS += $(broker_unit_tests)
TESTS += $(broker_unit_tests)

tests_unit_broker_test_broker_SOURCES = tests/unit/broker/test_broker.c tests/unit/oracle.h
tests_unit_broker_test_given_up_SOURCES = tests/unit/broker/test_given_up.c
tests_unit_broker_test_lies_SOURCES = tests/unit/broker/test_lies.c
tests_unit_broker_test_memory_window_SOURCES = tests/unit/broker/test_memory_window.c
tests_unit_broker_test_rights_SOURCES = tests/unit/broker/test_rights.c tests/unit/oracle.h
tests_unit_broker_test_tree_SOURCES = tests/unit/broker/test_tree.c tests/unit/oracle.h
tests_unit_broker_test_wire_SOURCES = tests/unit/broker/test_wire.c
