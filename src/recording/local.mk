# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/recording/recorder.c src/recording/recorder.h \
	src/recording/recorder_disagreement.c \
	src/recording/recorder_frames.c \
	src/recording/recorder_known.c src/recording/recorder_known.h \
	src/recording/recorder_sample.c \
	src/recording/recorder_state.h \
	src/recording/redaction.c src/recording/redaction.h \
	src/recording/recorded_settings.c src/recording/recorded_settings.h \
	src/recording/recorders.c src/recording/recorders.h \
	src/recording/repeated_packages.c src/recording/repeated_packages.h \
	src/recording/repeater.c src/recording/repeater.h
