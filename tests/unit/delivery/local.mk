# SPDX-License-Identifier: Apache-2.0
delivery_unit_tests = \
	tests/unit/delivery/test_answer \
	tests/unit/delivery/test_backoff \
	tests/unit/delivery/test_batch \
	tests/unit/delivery/test_batch_queue \
	tests/unit/delivery/test_delivery_ledger \
	tests/unit/delivery/test_endpoint \
	tests/unit/delivery/test_outcome \
	tests/unit/delivery/test_sink \
	tests/unit/delivery/test_spool \
	tests/unit/delivery/test_token
check_PROGRAMS += $(delivery_unit_tests)
TESTS += $(delivery_unit_tests)

tests_unit_delivery_test_answer_SOURCES = tests/unit/delivery/test_answer.c
tests_unit_delivery_test_backoff_SOURCES = tests/unit/delivery/test_backoff.c
tests_unit_delivery_test_batch_SOURCES = tests/unit/delivery/test_batch.c
tests_unit_delivery_test_batch_queue_SOURCES = tests/unit/delivery/test_batch_queue.c
tests_unit_delivery_test_delivery_ledger_SOURCES = \
	tests/unit/delivery/test_delivery_ledger.c
tests_unit_delivery_test_endpoint_SOURCES = tests/unit/delivery/test_endpoint.c
tests_unit_delivery_test_outcome_SOURCES = tests/unit/delivery/test_outcome.c
tests_unit_delivery_test_sink_SOURCES = tests/unit/delivery/test_sink.c
tests_unit_delivery_test_spool_SOURCES = tests/unit/delivery/test_spool.c
tests_unit_delivery_test_token_SOURCES = tests/unit/delivery/test_token.c
