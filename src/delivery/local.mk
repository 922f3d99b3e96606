# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/delivery/answer.c src/delivery/answer.h \
	src/delivery/backoff.c src/delivery/backoff.h \
	src/delivery/batch.c src/delivery/batch.h \
	src/delivery/batch_queue.c src/delivery/batch_queue.h \
	src/delivery/complaints.c src/delivery/complaints.h \
	src/delivery/delivery.c src/delivery/delivery.h \
	src/delivery/delivery_answer.c \
	src/delivery/delivery_counts.h \
	src/delivery/delivery_ledger.c src/delivery/delivery_ledger.h \
	src/delivery/delivery_spooling.c \
	src/delivery/delivery_state.h \
	src/delivery/delivery_thread.c \
	src/delivery/endpoint.c src/delivery/endpoint.h \
	src/delivery/greeting.c src/delivery/greeting.h \
	src/delivery/gzip.c src/delivery/gzip.h \
	src/delivery/outcome.c src/delivery/outcome.h \
	src/delivery/post.c src/delivery/post.h \
	src/delivery/secret.c src/delivery/secret.h \
	src/delivery/sink.c src/delivery/sink.h \
	src/delivery/spool.c src/delivery/spool.h \
	src/delivery/spool_directory.c src/delivery/spool_directory.h \
	src/delivery/spool_file.c src/delivery/spool_file.h \
	src/delivery/spool_index.c src/delivery/spool_index.h \
	src/delivery/spool_rejected.c src/delivery/spool_rejected.h \
	src/delivery/spool_scan.c src/delivery/spool_scan.h \
	src/delivery/spool_shelf.c src/delivery/spool_shelf.h \
	src/delivery/token.c src/delivery/token.h \
	src/delivery/upload.c src/delivery/upload.h \
	src/delivery/upload_open.c src/delivery/upload_state.h
