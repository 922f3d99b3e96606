# SPDX-License-Identifier: Apache-2.0
capture_suites = \
	tests/unit/capture/test_attr.c \
	tests/unit/capture/test_capture.c \
	tests/unit/capture/test_drain.c \
	tests/unit/capture/test_events.c \
	tests/unit/capture/test_flag_leak.c \
	tests/unit/capture/test_ptrace_rounds.c \
	tests/unit/capture/test_record.c \
	tests/unit/capture/test_record_encode.c \
	tests/unit/capture/test_record_sample.c \
	tests/unit/capture/test_refusal.c \
	tests/unit/capture/test_ring.c \
	tests/unit/capture/test_standing.c
unit_suites += $(capture_suites)

# It has functions of its own in the place of another stage's, so it is a program of its own.
unit_programs += tests/unit/capture/test_ptrace_state
tests_unit_capture_test_ptrace_state_SOURCES = tests/unit/capture/test_ptrace_state.c tests/unit/unit.c
unit_parts += tests/unit/capture/fake_ring.h \
	tests/unit/capture/record_draft.h
