# SPDX-License-Identifier: Apache-2.0
doctor_suites = \
	tests/unit/doctor/test_host.c \
	tests/unit/doctor/test_identity.c \
	tests/unit/doctor/test_judge.c \
	tests/unit/doctor/test_probe.c \
	tests/unit/doctor/test_report.c \
	tests/unit/doctor/test_self_seal.c
unit_suites += $(doctor_suites)
unit_parts += tests/unit/oracle.h
