# SPDX-License-Identifier: Apache-2.0
doctor_unit_tests = \
	tests/unit/doctor/test_host \
	tests/unit/doctor/test_identity \
	tests/unit/doctor/test_judge \
	tests/unit/doctor/test_probe \
	tests/unit/doctor/test_report \
	tests/unit/doctor/test_self_seal
check_PROGRAMS += $(doctor_unit_tests)
TESTS += $(doctor_unit_tests)

tests_unit_doctor_test_host_SOURCES = tests/unit/doctor/test_host.c tests/unit/oracle.h
tests_unit_doctor_test_identity_SOURCES = tests/unit/doctor/test_identity.c tests/unit/oracle.h
tests_unit_doctor_test_judge_SOURCES = tests/unit/doctor/test_judge.c
tests_unit_doctor_test_probe_SOURCES = tests/unit/doctor/test_probe.c
tests_unit_doctor_test_report_SOURCES = tests/unit/doctor/test_report.c tests/unit/oracle.h
tests_unit_doctor_test_self_seal_SOURCES = tests/unit/doctor/test_self_seal.c
