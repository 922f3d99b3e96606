# SPDX-License-Identifier: Apache-2.0
capture_unit_tests = \
	tests/unit/capture/test_attr \
	tests/unit/capture/test_capture \
	tests/unit/capture/test_drain \
	tests/unit/capture/test_events \
	tests/unit/capture/test_flag_leak \
	tests/unit/capture/test_ptrace_rounds \
	tests/unit/capture/test_ptrace_state \
	tests/unit/capture/test_record \
	tests/unit/capture/test_record_encode \
	tests/unit/capture/test_record_sample \
	tests/unit/capture/test_refusal \
	tests/unit/capture/test_ring \
	tests/unit/capture/test_standing
check_PROGRAMS += $(capture_unit_tests)
TESTS += $(capture_unit_tests)

tests_unit_capture_test_attr_SOURCES = tests/unit/capture/test_attr.c
tests_unit_capture_test_capture_SOURCES = tests/unit/capture/test_capture.c
tests_unit_capture_test_drain_SOURCES = tests/unit/capture/test_drain.c tests/unit/capture/fake_ring.h
tests_unit_capture_test_events_SOURCES = tests/unit/capture/test_events.c
tests_unit_capture_test_flag_leak_SOURCES = tests/unit/capture/test_flag_leak.c
tests_unit_capture_test_ptrace_rounds_SOURCES = tests/unit/capture/test_ptrace_rounds.c
tests_unit_capture_test_ptrace_state_SOURCES = tests/unit/capture/test_ptrace_state.c
tests_unit_capture_test_record_SOURCES = \
	tests/unit/capture/test_record.c tests/unit/capture/record_draft.h
tests_unit_capture_test_record_sample_SOURCES = \
	tests/unit/capture/test_record_sample.c tests/unit/capture/record_draft.h
tests_unit_capture_test_record_encode_SOURCES = tests/unit/capture/test_record_encode.c
tests_unit_capture_test_ring_SOURCES = tests/unit/capture/test_ring.c tests/unit/capture/fake_ring.h
tests_unit_capture_test_refusal_SOURCES = tests/unit/capture/test_refusal.c
tests_unit_capture_test_standing_SOURCES = tests/unit/capture/test_standing.c
