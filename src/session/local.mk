# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/session/code_map.c src/session/code_map.h \
	src/session/copied_text.c src/session/copied_text.h \
	src/session/command.c src/session/command.h \
	src/session/receipt.c src/session/receipt.h \
	src/session/replay.h \
	src/session/replay_files.c \
	src/session/replay_settings.c src/session/replay_settings.h \
	src/session/segments.h \
	src/session/session_again.c \
	src/session/session.c src/session/session.h \
	src/session/session_cache.c \
	src/session/session_close.c \
	src/session/session_deliver.c \
	src/session/session_flush.c \
	src/session/session_graph.c \
	src/session/session_guard.c \
	src/session/session_ladder.c \
	src/session/session_memory.c \
	src/session/session_metrics.c \
	src/session/session_notes.c \
	src/session/session_packages.c \
	src/session/session_process.c \
	src/session/session_record.c \
	src/session/session_records.c \
	src/session/session_replay.c \
	src/session/session_seal.c \
	src/session/session_segments.c \
	src/session/session_targets.c \
	src/session/session_turn.c \
	src/session/session_unseen.c \
	src/session/session_union.c
