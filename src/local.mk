# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/cmd_sample.c src/commands.h \
	src/cmd_doctor.c \
	src/cmd_replay.c \
	src/cmd_send.c \
	src/code_map.c src/code_map.h \
	src/command.c src/command.h \
	src/fact_line.c src/fact_line.h \
	src/fact_reader.c src/fact_reader.h \
	src/file_index.c src/file_index.h \
	src/file_search.c src/file_search.h \
	src/held_lines.c src/held_lines.h \
	src/help.c \
	src/receipt.c src/receipt.h \
	src/recorder.c src/recorder.h \
	src/recorder_frames.c \
	src/recorder_sample.c \
	src/recorder_state.h \
	src/recorder_known.c src/recorder_known.h \
	src/segments.h \
	src/send_account.c src/send_account.h \
	src/replay.h \
	src/send_input.c src/send_input.h \
	src/send_union.c src/send_union.h \
	src/sending.c src/sending.h \
	src/session.c src/session.h \
	src/session_cache.c \
	src/session_close.c \
	src/session_deliver.c \
	src/session_flush.c \
	src/session_graph.c \
	src/session_guard.c \
	src/session_ladder.c \
	src/session_process.c \
	src/session_metrics.c \
	src/session_record.c \
	src/session_notes.c \
	src/session_packages.c \
	src/session_records.c \
	src/session_replay.c \
	src/session_segments.c \
	src/session_targets.c \
	src/session_union.c \
	src/settings.c src/settings.h \
	src/settings_canonical.c \
	src/settings_delivery.c src/settings_delivery.h \
	src/settings_environment.c \
	src/settings_file.c \
	src/settings_keys.c src/settings_keys.h \
	src/settings_layers.c \
	src/settings_options.c src/settings_options.h \
	src/settings_values.c \
	src/types.c src/types.h
