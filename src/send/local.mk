# SPDX-License-Identifier: Apache-2.0
librtsample_a_SOURCES += \
	src/send/fact_reader.c src/send/fact_reader.h \
	src/send/send_account.c src/send/send_account.h \
	src/send/send_input.c src/send/send_input.h \
	src/send/send_union.c src/send/send_union.h \
	src/send/sending.c src/send/sending.h \
	src/send/settings_delivery.c src/send/settings_delivery.h
