# SPDX-License-Identifier: Apache-2.0
capture_suites = \
	tests/unit/capture/test_attr.c \
	tests/unit/capture/test_capture.c \
	tests/unit/capture/test_drain.c \
	tests/unit/capture/test_events.c \
	tests/unit/capture/test_flag_leak.c \
	tests/unit/capture/test_near.c \
	tests/unit/capture/test_near_memory.c \
	tests/unit/capture/test_near_proof.c \
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

# Compares memory that is read near samples with their registers.
check_PROGRAMS += tests/unit/capture/near_equal
tests_unit_capture_near_equal_SOURCES = tests/unit/capture/near_equal.c
TESTS += tests/e2e/near.py
EXTRA_DIST += tests/e2e/near.py tests/e2e/near_hang.c
tests/e2e/near.log: src/rtsample$(EXEEXT) tests/unit/capture/near_equal$(EXEEXT)
