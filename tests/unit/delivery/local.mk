# SPDX-License-Identifier: Apache-2.0
delivery_suites = \
	tests/unit/delivery/test_answer.c \
	tests/unit/delivery/test_backoff.c \
	tests/unit/delivery/test_batch.c \
	tests/unit/delivery/test_batch_queue.c \
	tests/unit/delivery/test_delivery_ledger.c \
	tests/unit/delivery/test_endpoint.c \
	tests/unit/delivery/test_outcome.c \
	tests/unit/delivery/test_sink.c \
	tests/unit/delivery/test_spool.c \
	tests/unit/delivery/test_token.c
unit_suites += $(delivery_suites)
